/** A piece of a source file, and what the comment above it says. */
export interface Snippet {
  readonly title: string
  readonly text: string
  readonly code: string
}

/**
 * Takes a source file apart at its comments outside of everything: the first sentence of each is the title of what
 * follows, the rest is said about it.
 */
export function snippetsOf (source: string, { first }: { readonly first: string }): Snippet[] {
  const [imports = '', ...parts] = source.split(/^(?=\/\/ )/m)
  const pieces = parts.map(part => {
    const [, comment = '', code = ''] = /^((?:\/\/ [^\n]*\n)+)(.*)$/s.exec(part) ?? []
    const [, title = '', text = ''] = /^(.*?)\.(?: (.*))?$/s.exec(comment.replace(/^\/\/ /gm, '').replaceAll('\n', ' ').trim()) ?? []
    return { title, text, code: code.trim() }
  })
  return [{ title: first, text: '', code: imports.trim() }, ...pieces]
}
