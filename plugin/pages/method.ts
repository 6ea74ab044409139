import { withQuery } from '../browser.js'
import type { MethodInfo } from '../methods.js'
import { html, type Html } from './html.js'
import { invalid, layout, nextField, problemBox, type FormState, type Site } from './layout.js'

/** The other ways that the user has, on the page that asks for a code. */
export function methodForms (site: Site, methods: readonly MethodInfo[], next: string | undefined): Html[] {
  return methods.map(({ name, label }) => html`
<form method="post" action="${site.base}/methods/${name}/start">${nextField(next)}<button class="quiet">${label}</button></form>`)
}

/** The page that asks for what a method of the host sent or shows. */
export function methodPage (site: Site, state: FormState & { readonly method: MethodInfo }): string {
  const { method: { name, label } } = state
  return layout(site, label, html`
${problemBox(state.problem)}
<form method="post" action="${site.base}/methods/${name}">
<label for="proof">Code</label>
<input class="code" id="proof" name="proof" autocomplete="one-time-code" required autofocus maxlength="512" spellcheck="false"
${invalid(state.problem)}>
${nextField(state.next)}
<button>Continue</button>
</form>
<p class="more"><a href="${withQuery(`${site.base}/verify`, { next: state.next })}">Use a code from your app</a></p>`)
}
