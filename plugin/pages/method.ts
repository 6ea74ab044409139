import { html, type Html } from './html.js'
import type { PageData } from './page.js'
import { invalid, nextField, onTheWay, problemBox, type Drawing, type View } from './parts.js'

/** The other ways that the user has, on the page that asks for a code. */
export function methodForms ({ site }: View, { methods, next }: Pick<PageData['verify'], 'methods' | 'next'>): Html[] {
  return methods.map(({ name, label }) => html`
<form method="post" action="${site.base}/methods/${name}/start">${nextField({ next })}<button class="quiet">${label}</button></form>`)
}

/** The page that asks for what a method of the host sent or shows. */
export function methodPage (view: View, state: PageData['method']): Drawing {
  const { site, messages } = view
  const { method: { name, label }, next } = state
  return {
    title: label,
    body: html`
${problemBox(state)}
<form method="post" action="${site.base}/methods/${name}">
<label for="proof">${messages.methodCodeLabel}</label>
<input class="code" id="proof" name="proof" dir="ltr" autocomplete="one-time-code" required autofocus maxlength="512" spellcheck="false"
${invalid(state)}>
${nextField(state)}
<button>${messages.continue}</button>
</form>
<p class="more"><a href="${onTheWay(`${site.base}/verify`, { next })}">${messages.useAppCode}</a></p>`
  }
}
