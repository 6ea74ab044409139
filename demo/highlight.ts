import { html, type Html } from './html.js'

const tokens = new RegExp([
  /(?<comment>\/\/.*)/,
  /(?<string>'(?:[^'\\\n]|\\.)*'|`[^`]*`)/,
  /(?<keyword>\b(?:async|await|const|declare|from|if|import|interface|module|new|return|type)\b)/,
  /(?<number>\b\d[\d_]*\b)/
].map(({ source }) => source).join('|'), 'g')

/** TypeScript with its comments, strings, keywords and numbers marked for the eye. */
export function highlight (code: string): Html {
  const parts: Array<Html | string> = []
  let end = 0
  for (const match of code.matchAll(tokens)) {
    const [kind] = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined) ?? []
    parts.push(code.slice(end, match.index), html`<span class="${kind}">${match[0]}</span>`)
    end = match.index + match[0].length
  }
  return html`${[...parts, code.slice(end)]}`
}
