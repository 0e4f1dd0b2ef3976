/**
 * What the page does beyond plain HTML: it follows the station's news, looks at
 * its own address again and swaps in what changed, and keeps its light honest.
 * It never acts by itself, and takes nothing from anybody's hands: what was
 * typed, ticked or opened stays, and so does the place on the page.
 */

/** Looks at the page again at most twice a second, however much happens. */
const lookEvery = 500;
/** The station's beat comes every 15 s: two missed and the line is dead. */
const silenceMax = 35_000;
/** After a refused stream the browser gives up: try anew after so long. */
const retryAfter = 10_000;
const agesEvery = 10_000;
/** Ten years: a longer acknowledgement is a slip of the finger. */
const longest = 3650 * 86_400_000;

const main = /** @type {HTMLElement} */ (document.getElementById('main'));
const light = /** @type {HTMLElement} */ (document.getElementById('light'));
/** The station's clock less this browser's. */
let clockDifference = Number(main.dataset.now) - Date.now();
/** When the page was last known to be as the station has it. */
let asOf = Date.now();
let lastHeard = 0;
let seq = Number(main.dataset.seq);
/** @type {EventSource | null} */
let stream = null;
/** @type {number | undefined} */
let retryTimer;

// ---------------------------------------------------------------- the light

/** @param {boolean} live */
function showLight(live) {
  const text = live ? 'live' : `not live, as of ${clock(asOf + clockDifference)}`;
  const state = live ? 'light on' : 'light off';
  if (light.className === state && light.dataset.text === text) return;
  light.className = state;
  light.dataset.text = text;
  const mark = document.createElement('span');
  mark.ariaHidden = 'true';
  mark.textContent = live ? '●' : '○';
  light.replaceChildren(mark, ` ${text}`);
  light.title = live ? 'Changes show by themselves' : 'Not connected: reload to see what is new';
}

/**
 * As the pages say it: in the policy's time zone, whatever this browser's is.
 * @param {number} at
 * @param {Intl.DateTimeFormatOptions} date
 */
function clock(at, date = {}) {
  const timeZone = main.dataset.timezone;
  return new Intl.DateTimeFormat('en-GB', { ...date, timeZone, hour: '2-digit', minute: '2-digit' }).format(
    at,
  );
}

function heard() {
  lastHeard = Date.now();
  asOf = lastHeard;
  showLight(true);
}

// ---------------------------------------------------------------- the stream

function connect() {
  disconnect();
  const address = `/events?after=${seq}`;
  const opened = new EventSource(address);
  stream = opened;
  opened.addEventListener('beat', heard);
  opened.addEventListener('change', (event) => {
    heard();
    seq = Math.max(seq, Number(event.lastEventId) || 0);
    /** @type {{ alerts: number[] | 'all' }} */
    const news = JSON.parse(event.data);
    if (concerns(news.alerts)) lookSoon();
  });
  opened.addEventListener('error', () => {
    showLight(false);
    if (opened.readyState !== EventSource.CLOSED) return;
    clearTimeout(retryTimer);
    retryTimer = setTimeout(connect, retryAfter);
    // Refused: it may be that nobody is logged in here any more. The page itself knows.
    lookSoon();
  });
}

function disconnect() {
  clearTimeout(retryTimer);
  stream?.close();
  stream = null;
}

/** @param {number[] | 'all'} alerts */
function concerns(alerts) {
  const follows = main.dataset.live;
  if (follows === 'nothing') return false;
  return follows === 'everything' || alerts === 'all' || alerts.includes(Number(follows));
}

// ---------------------------------------------------------------- looking again

let looking = false;
let lookAgain = false;
let composing = false;
/** @type {number | undefined} */
let lookTimer;
let lastLook = 0;

function lookSoon() {
  if (looking || composing || document.hidden) {
    lookAgain = true;
    return;
  }
  if (lookTimer !== undefined) return;
  lookTimer = setTimeout(look, Math.max(0, lastLook + lookEvery - Date.now()));
}

async function look() {
  lookTimer = undefined;
  looking = true;
  lookAgain = false;
  lastLook = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { 'X-Mauve-Live': '1' }, cache: 'no-store' });
    if (answer.status === 401) return location.reload();
    if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), 'text/html'));
  } catch {
    showLight(false);
  }
  looking = false;
  if (lookAgain) lookSoon();
}

/** @param {Document} fresh */
function swap(fresh) {
  const next = fresh.getElementById('main');
  // Whoever types, clicks or waits for an answer is not disturbed; the next news brings it.
  if (next === null || submitting) return;
  const restore = keep();
  for (const notice of main.querySelectorAll(':scope > p.notice'))
    next.prepend(document.importNode(notice, true));
  main.replaceChildren(...document.adoptNode(next).childNodes);
  main.dataset.now = next.dataset.now;
  clockDifference = Number(next.dataset.now) - Date.now();
  document.title = fresh.title;
  restore();
  showAges();
  showUntil();
}

/** Remembers what the person has under their hands; the function returned gives it back. */
function keep() {
  const scroll = window.scrollY;
  const fields = [...main.querySelectorAll('form[data-keep] :is(input, select)')]
    .filter(changed)
    .map(stateOf);
  const open = [...main.querySelectorAll('details[open][id]')].map((each) => each.id);
  const focus = focusOf(document.activeElement);
  return () => {
    for (const field of fields) give(field);
    for (const id of open) document.getElementById(id)?.setAttribute('open', '');
    if (focus !== null) refocus(focus);
    window.scrollTo({ top: scroll, behavior: 'instant' });
  };
}

/** @param {Element} field */
function changed(field) {
  if (field instanceof HTMLSelectElement)
    return [...field.options].some((o) => o.selected !== o.defaultSelected);
  if (!(field instanceof HTMLInputElement) || field.type === 'hidden') return false;
  return field.type === 'checkbox' ? field.checked : field.value !== field.defaultValue;
}

/** @param {Element} field */
function stateOf(field) {
  const { value } = /** @type {HTMLInputElement | HTMLSelectElement} */ (field);
  return {
    path: pathOf(field),
    value,
    ticked: field instanceof HTMLInputElement && field.type === 'checkbox',
  };
}

/** @param {ReturnType<typeof stateOf>} field */
function give(field) {
  const found = main.querySelector(field.path);
  if (found instanceof HTMLInputElement && field.ticked) found.checked = true;
  else if (found instanceof HTMLInputElement || found instanceof HTMLSelectElement) found.value = field.value;
}

/**
 * A selector by which the same thing is found on the fresh page.
 * @param {Element} element
 */
function pathOf(element) {
  if (element.id !== '') return `#${CSS.escape(element.id)}`;
  const form = element.closest('form');
  const within =
    form === null
      ? ''
      : form.id !== ''
        ? `#${CSS.escape(form.id)} `
        : `form[action="${CSS.escape(form.getAttribute('action') ?? '')}"] `;
  const kind = element.tagName.toLowerCase();
  if (element instanceof HTMLAnchorElement)
    return `${kind}[href="${CSS.escape(element.getAttribute('href') ?? '')}"]`;
  if (element instanceof HTMLInputElement && element.type === 'checkbox') {
    return `${within}${kind}[name="${CSS.escape(element.name)}"][value="${CSS.escape(element.value)}"]`;
  }
  const name = element.getAttribute('name');
  return `${within}${kind}${name === null ? '' : `[name="${CSS.escape(name)}"]`}`;
}

/** @param {Element | null} element */
function focusOf(element) {
  if (element === null || !main.contains(element)) return null;
  const isText = element instanceof HTMLInputElement && element.type === 'text';
  const selection = isText ? [element.selectionStart, element.selectionEnd] : null;
  return { path: pathOf(element), selection };
}

/** @param {NonNullable<ReturnType<typeof focusOf>>} focus */
function refocus(focus) {
  const found = main.querySelector(focus.path);
  if (!(found instanceof HTMLElement)) return;
  found.focus({ preventScroll: true });
  if (found instanceof HTMLInputElement && focus.selection !== null) {
    found.setSelectionRange(focus.selection[0] ?? null, focus.selection[1] ?? null);
  }
}

// ---------------------------------------------------------------- small things

let submitting = false;

function showAges() {
  const now = Date.now() + clockDifference;
  for (const each of main.querySelectorAll('time[data-age]')) {
    const text = roughly(now - Date.parse(each.getAttribute('datetime') ?? ''));
    if (each.textContent !== text) each.textContent = text;
  }
}

/** As the pages say it: words.ts. @param {number} duration */
function roughly(duration) {
  const size = Math.max(0, duration);
  const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
  if (size < minute) return `${Math.floor(size / 1000)}s`;
  if (size < hour) return `${Math.floor(size / minute)}m`;
  if (size >= 2 * day) return `${Math.floor(size / day)}d`;
  const hours = Math.floor(size / hour);
  const rest = Math.floor((size % hour) / minute);
  return rest === 0 || hours >= 10 ? `${hours}h` : `${hours}h ${rest}m`;
}

/** Says until when an acknowledgement will hold, while its length is being chosen. */
function showUntil() {
  const output = main.querySelector('output[data-until]');
  const form = output?.closest('form');
  if (!output || !form) return;
  const units = { m: 60_000, h: 3_600_000, d: 86_400_000 };
  const data = new FormData(form);
  const unit = units[/** @type {keyof typeof units} */ (data.get('unit'))];
  const size = Number(data.get('count')) * unit;
  const end = Date.now() + clockDifference + size;
  /** @type {Intl.DateTimeFormatOptions} */
  const date = size > 20 * 3_600_000 ? { weekday: 'short', day: 'numeric', month: 'short' } : {};
  output.textContent = size > 0 && size < longest ? `until ${clock(end, date)}` : '';
}

main.addEventListener('input', showUntil);
main.addEventListener('compositionstart', () => {
  composing = true;
});
main.addEventListener('compositionend', () => {
  composing = false;
  if (lookAgain) lookSoon();
});
document.addEventListener('submit', () => {
  submitting = true;
});
window.addEventListener('pageshow', (event) => {
  submitting = false;
  // Back from the browser's memory: what it shows is old.
  if (event.persisted) lookSoon();
});
window.addEventListener('pagehide', disconnect);
// The browser knows before the line does.
window.addEventListener('offline', () => {
  disconnect();
  showLight(false);
});
window.addEventListener('online', () => {
  lookSoon();
  connect();
});
document.addEventListener('visibilitychange', () => {
  // Hidden pages hold no connection: a browser has few for one site.
  if (document.hidden) {
    disconnect();
    showLight(false);
  } else {
    lookAgain = false;
    lookSoon();
    connect();
  }
});
setInterval(() => {
  showAges();
  if (document.hidden) return;
  if (Date.now() - lastHeard > silenceMax) {
    showLight(false);
    // A line that is dead in silence is not noticed by the browser for minutes.
    if (stream !== null && lastHeard !== 0) {
      lastHeard = 0;
      connect();
    }
  }
}, agesEvery);

showUntil();
if (!document.hidden) connect();
