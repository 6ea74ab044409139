import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import t from 'tap'
import { pages, root } from './pages.js'
import { anchorOf } from './reference/markdown.js'

const withoutCode = (text: string) => text.replaceAll(/^```.*?^```/gms, '')

/** The anchors of a page, as GitHub makes them from its headings. */
function anchorsOf (text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of withoutCode(text).matchAll(/^#+ (.+)$/gm)) {
    const plain = anchorOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'))
    for (let count = 0; ; count++) {
      const anchor = count === 0 ? plain : `${plain}-${count}`
      if (!anchors.has(anchor)) {
        anchors.add(anchor)
        break
      }
    }
  }
  return anchors
}

function linksOf (text: string): string[] {
  // Code between backticks is no link, but a link may have such code in it.
  const plain = withoutCode(text).replaceAll(/(?<!\[)`[^`\n]*`/g, '')
  return [
    ...[...plain.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target),
    ...[...plain.matchAll(/<(https?:[^>]+)>/g)].map(([, target = '']) => target),
    ...[...plain.matchAll(/<img src="([^"]+)"/g)].map(([, target = '']) => target)
  ]
}

t.test('every link within the repository leads to a file, and to a heading of it', async t => {
  let count = 0
  for (const [page, text] of pages) {
    for (const target of linksOf(text).filter(target => !/^https?:/.test(target))) {
      count++
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : posix.join(posix.dirname(page), path)
      t.ok(existsSync(root + file), `${page} links to ${target}`)
      if (anchor !== undefined) t.ok(anchorsOf(pages.get(file) ?? '').has(anchor), `${page} links to ${target}`)
    }
  }
  t.ok(count > 100)
})

t.test('every link to elsewhere is https and well-formed', async t => {
  for (const [page, text] of pages) {
    for (const target of linksOf(text).filter(target => /^https?:/.test(target))) {
      t.match(new URL(target), target.startsWith('http://localhost') ? { port: '3000' } : { protocol: 'https:' }, `${page}: ${target}`)
    }
  }
})

t.test('every page of docs/ is in its index, and every picture is on a page', async t => {
  const index = linksOf(pages.get('docs/README.md') ?? '')
  for (const page of [...pages.keys()].filter(page => page.startsWith('docs/') && page !== 'docs/README.md')) {
    t.ok(index.includes(posix.basename(page)), page)
  }
  for (const [page, text] of pages) {
    for (const [picture] of text.matchAll(/!\[\]\(|alt=""/g)) t.fail(`${page} has a picture without words: ${picture}`)
  }
})

t.test('every script of npm that a page names is there', async t => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }
  for (const [page, text] of pages) {
    for (const [, name = ''] of text.matchAll(/\bnpm (?:run )?((?:start|test)\b|(?<=run )[\w:]+)/g)) t.ok(scripts[name], `${page}: npm run ${name}`)
  }
})

t.test('every package that a page installs is one that is used here', async t => {
  const { name: own, ...manifest } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    name: string, peerDependencies: object, devDependencies: object
  }
  const known = { ...manifest.peerDependencies, ...manifest.devDependencies }
  for (const [page, text] of pages) {
    for (const [, names = ''] of text.matchAll(/^npm install ((?:[@\w/-]+ ?)+)$/gm)) {
      for (const name of names.split(' ')) t.ok(name === own || name in known, `${page}: ${name}`)
    }
  }
})

t.test('every diagram is of a kind that GitHub draws', async t => {
  for (const [page, text] of pages) {
    for (const [, diagram = ''] of text.matchAll(/^```mermaid\n(.*?)^```/gms)) {
      t.match(diagram, /^(?:sequenceDiagram|flowchart TD)\n/, page)
      const opened = diagram.match(/^ *(?:alt|opt|loop|par) /gm)?.length ?? 0
      t.equal(diagram.match(/^ *end$/gm)?.length ?? 0, opened, `${page}: each alt has its end`)
    }
  }
})
