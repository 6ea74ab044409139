import { demoAccount } from '../accounts.js'
import { html, type Html } from '../html.js'

export interface AccountForm {
  readonly action: 'sign-in' | 'sign-up'
  readonly email?: string
  readonly problem?: string
  readonly next?: string | undefined
  /** Whether to name the account that the demo made. */
  readonly sampleAccounts: boolean
}

/** The form to sign in or up. */
export function accountForm ({ action, email, problem, next, sampleAccounts }: AccountForm): Html {
  const signUp = action === 'sign-up'
  return html`
<div class="narrow">
<h1>${titleOf(action)}</h1>
<form class="card" method="post" action="/${action}">
${problem !== undefined && html`<p class="problem" role="alert" id="problem">${problem}</p>`}
<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value="${email ?? ''}"${tied(problem)}>
<label for="password">Password${signUp && html` <small>(at least 12 characters)</small>`}</label>
<input id="password" name="password" type="password" autocomplete="${signUp ? 'new-password' : 'current-password'}" required
 minlength="${signUp ? 12 : 1}" maxlength="200"${tied(problem)}>
${next !== undefined && html`<input type="hidden" name="next" value="${next}">`}
<button>${signUp ? 'Create account' : 'Sign in'}</button>
${!signUp && sampleAccounts && hint(problem)}
</form>
<p class="more">${signUp
    ? html`You have an account? <a href="/sign-in">Sign in</a>`
    : html`New here? <a href="/sign-up">Create an account</a>`}</p>
</div>`
}

/** The account to try it with. The answer to a wrong password has nothing of any account, whichever it was. */
function hint (problem: string | undefined): Html {
  return problem === undefined
    ? html`<p class="aside">For this demo: <code>${demoAccount.email}</code><br><code>${demoAccount.password}</code></p>`
    : html`<p class="aside"><a href="/sign-in">Show me the account of this demo</a></p>`
}

export function titleOf (action: AccountForm['action']): string {
  return action === 'sign-in' ? 'Sign in' : 'Create an account'
}

/** Ties the field to what was wrong with it, for people who hear the page. */
function tied (problem: string | undefined): Html | false {
  return problem !== undefined && html` aria-invalid="true" aria-describedby="problem"`
}
