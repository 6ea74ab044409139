/** Markup made by {@link html}: it is not escaped again. */
export class Html {
  readonly markup: string
  constructor (markup: string) {
    this.markup = markup
  }
}

type Value = Html | string | number | false | undefined | readonly Html[]

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Template tag that escapes every value. */
export function html (strings: TemplateStringsArray, ...values: Value[]): Html {
  const render = (value: Value): string => {
    if (value instanceof Html) return value.markup
    if (Array.isArray(value)) return value.map(render).join('')
    if (value === false || value === undefined) return ''
    return String(value).replace(/[&<>"']/g, character => entities[character] ?? '')
  }
  return new Html(String.raw({ raw: strings }, ...values.map(render)))
}
