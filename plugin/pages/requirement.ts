import type { UserRequirement } from '../requirement.js'
import { day } from './day.js'
import { html, type Html } from './html.js'

/** What a user without two-factor authentication is told of what `policy` asks: nothing, if it is left to the user. */
export function requirementNote (requirement: UserRequirement | undefined): Html | undefined {
  if (requirement?.required) return html`<p class="note">Your account has to have two-factor authentication.</p>`
  const { requiredFrom, daysLeft } = requirement ?? {}
  if (!requiredFrom || !daysLeft) return undefined
  return html`<p class="note">Your account has to have two-factor authentication from
${day(requiredFrom)} on:
you have ${daysLeft === 1 ? '1 day' : `${daysLeft} days`} left.</p>`
}
