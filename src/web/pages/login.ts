/** The login form, and what a used login link says. */
import { html } from 'hono/html';
import { bare, csrfInput, type Frame } from './layout.ts';
import { type Html, nothing } from './words.ts';

export type LoginForm = {
  readonly asset: Frame['asset'];
  readonly csrf: string;
  /** Where to go afterwards: an address of this site. */
  readonly next: string;
  readonly name: string;
  readonly problem: string | null;
  /** Sentences about what the station cannot do at present. */
  readonly problems: readonly string[];
};

export function loginPage(form: LoginForm): Html {
  const { problem } = form;
  return bare(
    form.asset,
    'Log in',
    html`<h1>Log in</h1>
${form.problems.map((each) => html`<p class="notice bad">${each}</p>`)}${problem === null ? nothing : html`<p class="notice bad" role="alert" id="problem">${problem}</p>`}
<form method="post" action="/login" class="card stack">${csrfInput(form.csrf)}<input type="hidden" name="next" value="${form.next}">
<label>Name <input name="name" value="${form.name}" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="256"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
<button class="primary">Log in</button></form>
<p class="quiet">No password yet? Ask an administrator for <code>mauvectl user add NAME</code>.</p>`,
  );
}

export function usedLinkPage(asset: Frame['asset']): Html {
  return bare(
    asset,
    'Link used',
    html`<h1>This link no longer works</h1>
<p>A login link works once, and only for a while. This one was used already, or its time is over.</p>
<p><a class="button primary" href="/login">Log in with a password</a></p>
<p class="quiet">No password? An administrator can set one: <code>mauvectl user add NAME</code>.</p>`,
  );
}

/** An error in words: what happened, and what to do about it. */
export function errorPage(asset: Frame['asset'], title: string, text: string, back: string): Html {
  return bare(
    asset,
    title,
    html`<h1>${title}</h1><p>${text}</p><p><a class="button" href="${back}">${back === '/' ? 'To the alerts' : 'Back'}</a></p>`,
  );
}
