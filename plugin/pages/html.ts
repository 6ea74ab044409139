/** Markup that is safe to send: made by {@link html} alone. */
export class Html {
  readonly markup: string

  constructor (markup: string) {
    this.markup = markup
  }

  toString (): string {
    return this.markup
  }
}

type Content = Html | string | number | null | undefined | false | readonly Content[]

/** Template tag for markup. Every value is escaped, but for what is markup itself; nothing comes of null and false. */
export function html (strings: TemplateStringsArray, ...values: Content[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(render)))
}

/** Takes markup of our own making as it is. Never give it anything that a user or a host wrote. */
export function trusted (markup: string): Html {
  return new Html(markup)
}

function render (value: Content): string {
  if (value instanceof Html) return value.markup
  if (Array.isArray(value)) return value.map(render).join('')
  if (value === null || value === undefined || value === false) return ''
  return String(value).replace(/[&<>"']/g, character => entities[character] ?? '')
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
