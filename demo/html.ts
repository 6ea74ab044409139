/** Markup made by {@link html}: it is not escaped again. */
export class Html {
  readonly markup: string
  constructor (markup: string) {
    this.markup = markup
  }
}

type Value = Html | string | number | false | null | undefined | readonly Value[]

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Template tag that escapes every value. */
export function html (strings: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(render)))
}

/** Takes markup that the package made as it is. */
export function trusted (markup: string): Html {
  return new Html(markup)
}

function render (value: Value): string {
  if (value instanceof Html) return value.markup
  if (Array.isArray(value)) return value.map(render).join('')
  if (value === false || value === null || value === undefined) return ''
  return String(value).replace(/[&<>"']/g, character => entities[character] ?? '')
}
