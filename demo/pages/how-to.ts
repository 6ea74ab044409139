import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { highlight } from '../highlight.js'
import { html, type Html } from '../html.js'
import { snippetsOf } from '../snippets.js'

// Read once, at the start: what the page shows is what the tests run.
const read = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8')
const examples = [
  {
    id: 'session',
    title: 'With cookies and sessions',
    file: 'demo/examples/session-app.ts',
    command: 'npm run example:session',
    source: read('examples/session-app.ts')
  },
  {
    id: 'bearer',
    title: 'For an API with bearer tokens',
    file: 'demo/examples/bearer-api.ts',
    command: 'npm run example:bearer',
    source: read('examples/bearer-api.ts')
  }
] as const

const docs = readdirSync(join(import.meta.dirname, '..', '..', 'docs')).filter(name => name.endsWith('.md')).sort()
  .map(name => ({ name, title: /^# (.+)$/m.exec(read(`../docs/${name}`))?.[1] ?? name }))

/** What to copy into one's own app. */
export function howTo (): Html {
  return html`
<h1>How do I add this to my app?</h1>
<p class="lead">Two whole apps of one file each. The tests of the package run both, so what stands here works. Copy what you need.</p>
<nav class="toc" aria-label="On this page">${examples.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}<a href="#docs">Everything else</a></nav>
${examples.map(example)}
<section aria-labelledby="docs">
<h2 id="docs">Everything else</h2>
<p>Start with <code>README.md</code> of the package; these go deeper.</p>
<ul class="docs">${docs.map(({ name, title }) => html`<li><a href="/docs/${name}">${title}</a> <code>docs/${name}</code></li>`)}</ul>
</section>`
}

function example ({ id, title, file, command, source }: (typeof examples)[number]): Html {
  const install = `npm install ${packagesOf(source).join(' ')}`
  return html`
<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
<p><code>${file}</code>, which <code>${command}</code> starts. In an app of your own, first:</p>
${block(`${id}-install`, install, html`${install}`)}
${snippetsOf(source, { first: 'What it takes' }).map(({ title, text, code }, index) => html`
<h3>${title}</h3>
${text !== '' && html`<p>${text}</p>`}
${block(`${id}-${index}`, title, highlight(code))}`)}
</section>`
}

function packagesOf (source: string): string[] {
  return [...source.matchAll(/ from '((?!node:)[^']+)'/g)].map(([, name = '']) => name).sort()
}

function block (id: string, name: string, code: Html): Html {
  return html`<div class="snippet"><button class="quiet" type="button" data-copy="${id}" aria-label="Copy: ${name}" hidden>Copy</button>
<pre tabindex="0"><code id="${id}">${code}</code></pre></div>`
}
