import { createHash } from 'node:crypto'

/** Further sources, by directive of the Content-Security-Policy, such as `{ 'img-src': ["'self'"] }`. */
export type PolicySources = Readonly<Record<string, readonly string[]>>

/**
 * Content-Security-Policy of every page: this style sheet, the script of this site, and forms to this site.
 *
 * @param further - What the host's own pages bring.
 */
export function securityPolicy (style: string, ...further: readonly PolicySources[]): string {
  const directives = new Map<string, Set<string>>([
    ['default-src', new Set(["'none'"])],
    ['style-src', new Set([`'sha256-${createHash('sha256').update(style).digest('base64')}'`])],
    ['script-src', new Set(["'self'"])],
    ['form-action', new Set(["'self'"])],
    ['base-uri', new Set(["'none'"])],
    ['frame-ancestors', new Set(["'none'"])]
  ])
  for (const [directive, sources] of further.flatMap(Object.entries) as Array<[string, readonly string[]]>) {
    const known = directives.get(directive) ?? new Set()
    for (const source of sources) known.add(source)
    // Beside others, 'none' says nothing, and browsers complain.
    if (known.size > 1) known.delete("'none'")
    directives.set(directive, known)
  }
  return [...directives].map(([directive, sources]) => [directive, ...sources].join(' ')).join('; ')
}
