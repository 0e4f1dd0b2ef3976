/** One's own account: the password, and the way out. */
import { html } from 'hono/html';
import { passwordMax, passwordMin } from '../../station/password.ts';
import { csrfInput, type Frame, type Page } from './layout.ts';
import { nothing } from './words.ts';

export type AccountView = {
  readonly hasPassword: boolean;
  /** The person of that name in the policy; null when the policy has nobody of that name. */
  readonly person: string | null;
  /** Logged in by a link, just now: asks for no old password. */
  readonly problem: string | null;
  readonly mayChooseFreely: boolean;
};

export function accountPage(frame: Frame, view: AccountView): Page {
  const told =
    view.person === null
      ? html`<p class="notice">The policy has no person named <code>${frame.user}</code>: alerts are told to the people that it names.</p>`
      : html`<p>In the policy you are <strong>${view.person}</strong>.</p>`;
  const old = view.mayChooseFreely
    ? nothing
    : html`<label>Present password <input name="old" type="password" autocomplete="current-password" required maxlength="${passwordMax}"></label>`;
  const main = html`<div class="narrow"><h1>${frame.user}</h1>${told}
<section class="card"><h2>${view.hasPassword ? 'Change your password' : 'Set a password'}</h2>
${view.problem === null ? nothing : html`<p class="notice bad" role="alert">${view.problem}</p>`}
<p class="quiet">${view.hasPassword ? 'This logs you out everywhere else.' : 'With a password you can log in again; the link that brought you here works only once.'}</p>
<form method="post" action="/account/password" class="stack">${csrfInput(frame.csrf)}<input type="hidden" name="username" value="${frame.user}" autocomplete="username">
${old}<label>New password, at least ${passwordMin} characters <input name="new" type="password" autocomplete="new-password" required minlength="${passwordMin}" maxlength="${passwordMax}"></label>
<label>The same again <input name="again" type="password" autocomplete="new-password" required maxlength="${passwordMax}"></label>
<button class="primary">${view.hasPassword ? 'Change password' : 'Set password'}</button></form></section>
<form method="post" action="/logout" class="stack">${csrfInput(frame.csrf)}<button>Log out</button></form></div>`;
  return { title: 'Account', tab: 'account', main, follows: 'nothing' };
}
