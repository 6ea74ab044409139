import { html, type Html } from './html.js'
import type { PageData, Site } from './page.js'
import { around, day, invalid, type Drawing, type View } from './parts.js'

/** Each authenticator of a user, with what can be done to it. */
export function authenticatorList (view: View, { status, problem, field }: PageData['settings']): Html {
  const { site, messages } = view
  return html`<dl>${status.authenticators?.map(({ id, name, createdAt, lastUsedAt }) => {
    const nameField = nameFieldOf(id)
    const wrong = field === nameField
    const used = lastUsedAt ? around(messages.lastUsed, day(view, lastUsedAt)) : messages.notUsedYet
    return html`
<dt><bdi>${name}</bdi></dt>
<dd>${used} · ${around(messages.addedOn, day(view, createdAt))}
<details${wrong && html` open`}>
<summary aria-label="${messages.renameOne(name)}">${messages.rename}</summary>
<form method="post" action="${pathOf(site, id)}/rename">
<label for="${nameField}">${messages.newName}</label>
<input id="${nameField}" name="name" value="${name}" required maxlength="64" autocomplete="off"${wrong && invalid({ problem })}>
<button class="quiet">${messages.save}</button>
</form>
</details>
<a href="${pathOf(site, id)}/remove" aria-label="${messages.removeOne(name)}">${messages.remove}</a></dd>`
  })}</dl>`
}

/** Id of the field for the name of an authenticator. */
export function nameFieldOf (authenticatorId: string): string {
  return `name-${authenticatorId}`
}

/** The page that asks before an authenticator is removed. */
export function removePage (
  { site, messages }: View, { authenticator: { id, name }, last }: PageData['remove-authenticator']
): Drawing {
  return {
    title: last ? messages.removeLastTitle : messages.removeTitle,
    body: html`
${last ? html`<p class="note">${messages.removeLastText(name)}</p>` : html`<p>${messages.removeText(name)}</p>`}
<form method="post" action="${pathOf(site, id)}/remove">
<button>${last ? messages.removeLast : messages.remove}</button>
</form>
<p class="more"><a href="${site.base}/">${messages.keepIt}</a></p>`
  }
}

function pathOf ({ base }: Site, id: string): string {
  return `${base}/authenticators/${encodeURIComponent(id)}`
}
