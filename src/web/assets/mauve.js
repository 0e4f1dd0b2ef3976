/**
 * What the page does beyond plain HTML: it follows the station's news, looks at
 * its own address again and swaps in what changed, and keeps its light honest:
 * it says live only while the line lives, the last look succeeded and the
 * station takes alerts. It never acts by itself.
 */
import { openAhead } from './ahead.js';
import { openFeed } from './feed.js';
import { held, keep, moves, ownRefused, showChosen, steady, ticked, watchHands } from './hands.js';

/** Looks at the page again at most twice a second, however much happens. */
const lookEvery = 500;
/** Where rows moved the eye needs a moment to find them again. */
const settleFor = 1000;
const lookTakesAtMost = 10_000;
/** A look that failed is tried again, each time after twice as long. */
const retryFirst = 2000;
const retryMax = 30_000;
/** What changes by time alone, like a suppression that ends, is news that nobody tells. */
const lookAnyway = 300_000;
/** While the page must not move, asks so often whether it may. */
const heldEvery = 200;
/** A page held longer than this says so. */
const heldUntold = 5000;
const agesEvery = 10_000;
/** What the last click did has been read by then. */
const flashLives = 60_000;
/** Ten years: a longer acknowledgement is a slip of the finger. */
const longest = 3650 * 86_400_000;

const main = /** @type {HTMLElement} */ (document.getElementById('main'));
const light = /** @type {HTMLElement} */ (document.getElementById('light'));
const openedAt = Date.now();
/** The station's clock less this browser's. */
let clockDifference = Number(main.dataset.now) - Date.now();
/** When the page was last known to be as the station has it. */
let asOf = Date.now();
let seq = Number(main.dataset.seq);

// ---------------------------------------------------------------- the light

/** The line to the station lives. */
let alive = false;
/** The last look failed: what is shown may be old. */
let stale = false;
/** The station takes alerts in and keeps them. */
let ready = true;
/** The station has this page no longer. */
let gone = false;
/** Since when news wait because the page must not move. @type {number | null} */
let heldSince = null;

function showLight() {
  const at = clock(asOf + clockDifference);
  const [live, text, title] = standing();
  const words = live ? text : `${text}, as of ${at}`;
  const state = live ? 'light on' : 'light off';
  if (light.className === state && light.dataset.text === words) return;
  light.className = state;
  light.dataset.text = words;
  const mark = document.createElement('span');
  mark.ariaHidden = 'true';
  mark.textContent = live ? '●' : '○';
  light.replaceChildren(mark, ` ${words}`);
  light.title = title;
}

/** @returns {[live: boolean, text: string, title: string]} */
function standing() {
  if (gone) return [false, 'gone', 'The station no longer has this page'];
  if (!alive || stale) return [false, 'not live', 'Not connected: reload to see what is new'];
  if (!ready) return [false, 'takes no alerts', 'The station answers, but takes no alerts at present'];
  if (heldSince !== null && Date.now() - heldSince > heldUntold)
    return [false, 'paused', 'Changes wait while you point, mark text or send a form'];
  return [true, 'live', 'Changes show by themselves'];
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

// ---------------------------------------------------------------- the station's news

const feed = openFeed({
  seq: () => seq,
  beat(beat) {
    alive = true;
    ready = beat.ready;
    clockDifference = beat.now - Date.now();
    // News that never came, or problems that the page does not show yet.
    if (beat.seq > seq || beat.problems !== main.dataset.problems) lookSoon();
    seq = Math.max(seq, beat.seq);
    upToDate();
    showLight();
  },
  news({ alerts }, at) {
    alive = true;
    // After 'all' the station counts anew: it may have another database.
    seq = alerts === 'all' ? at : Math.max(seq, at);
    if (concerns(alerts)) lookSoon();
    upToDate();
    showLight();
  },
  lost(refused) {
    alive = false;
    showLight();
    // It may be that nobody is logged in here any more. The page itself knows.
    if (refused) lookSoon();
  },
});

/** @param {number[] | 'all'} alerts */
function concerns(alerts) {
  const follows = main.dataset.live;
  return follows === 'everything' || alerts === 'all' || alerts.includes(Number(follows));
}

function upToDate() {
  if (!stale && !looking && !lookAgain && lookTimer === undefined) asOf = Date.now();
}

// ---------------------------------------------------------------- looking again

let looking = false;
let lookAgain = false;
/** The next look may move the rows though some are ticked. */
let showNew = false;
/** @type {number | undefined} */
let lookTimer;
let lastLook = openedAt;
let pause = lookEvery;
let retry = retryFirst;

function lookSoon() {
  // A page that shows no alerts has nothing to gain, and typed passwords to lose.
  if (main.dataset.live === 'nothing' || gone) return;
  if (looking || document.hidden) {
    lookAgain = true;
    return;
  }
  if (lookTimer !== undefined) return;
  lookTimer = setTimeout(look, Math.max(0, lastLook + pause - Date.now()));
}

async function look() {
  if (waits()) return;
  lookTimer = undefined;
  if (document.hidden) {
    lookAgain = true;
    return;
  }
  looking = true;
  lookAgain = false;
  lastLook = Date.now();
  const fresh = await fetchPage().catch(() => null);
  looking = false;
  if (fresh === 'gone') return sayGone();
  stale = fresh === null;
  if (fresh === null) {
    lookTimer = setTimeout(look, retry);
    retry = Math.min(2 * retry, retryMax);
  } else {
    retry = retryFirst;
    if (waits()) return;
    swap(fresh);
    asOf = lastLook;
    if (lookAgain) lookSoon();
  }
  showLight();
}

/** Puts the look off while the page must not move. */
function waits() {
  if (!held(main)) {
    heldSince = null;
    return false;
  }
  heldSince ??= Date.now();
  lookTimer = setTimeout(look, heldEvery);
  showLight();
  return true;
}

/** @returns {Promise<Document | 'gone'>} */
async function fetchPage() {
  const answer = await fetch(location.href, {
    headers: { 'X-Mauve-Live': '1' },
    cache: 'no-store',
    signal: AbortSignal.timeout(lookTakesAtMost),
  });
  if (answer.status === 404) return 'gone';
  if (answer.status === 401) location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const own = fresh.getElementById('main')?.dataset.now !== undefined;
  if (!answer.ok || !own) throw new Error('not the page');
  return fresh;
}

function sayGone() {
  gone = true;
  const notice = document.createElement('p');
  notice.className = 'notice bad';
  notice.role = 'alert';
  notice.textContent = 'The station no longer has this page: it was dropped after its time to keep.';
  main.prepend(notice);
  showLight();
}

/** @param {Document} fresh */
function swap(fresh) {
  const next = /** @type {HTMLElement} */ (fresh.getElementById('main'));
  const restore = keep(main);
  if (ticked(main).length > 0 && !showNew) steady(main, next);
  ahead.carry(next);
  showNew = false;
  pause = moves(main, next) ? settleFor : lookEvery;
  for (const name of ['now', 'timezone', 'problems']) main.dataset[name] = next.dataset[name];
  put(next);
  clockDifference = Number(main.dataset.now) - Date.now();
  document.title = fresh.title;
  restore();
  ahead.check(0);
  showChosen(main);
  showTimes();
}

/**
 * Replaces the content, but for notices that stay: one that is put in anew is
 * read aloud anew.
 * @param {HTMLElement} next
 */
function put(next) {
  const flash = Date.now() - openedAt < flashLives ? main.querySelector(':scope > p.notice') : null;
  const problems = main.querySelector(':scope > #problems');
  const fresh = next.querySelector(':scope > #problems');
  const same = problems !== null && fresh !== null && problems.isEqualNode(fresh);
  for (const node of [...main.childNodes]) {
    if (node !== flash && !(same && node === problems)) node.remove();
  }
  if (same) fresh.remove();
  else if (fresh !== null) main.prepend(document.adoptNode(fresh));
  main.append(...document.adoptNode(next).childNodes);
}

// ---------------------------------------------------------------- times

function showTimes() {
  const now = Date.now() + clockDifference;
  for (const each of main.querySelectorAll('time[data-age]')) {
    show(each, roughly(now - Date.parse(each.getAttribute('datetime') ?? '')));
  }
  for (const each of main.querySelectorAll('[data-distance]')) {
    const away = Date.parse(each.getAttribute('data-distance') ?? '') - now;
    show(each, away > 0 ? `(in ${roughly(away)})` : `(${roughly(-away)} ago)`);
  }
  showUntil();
}

/** @param {Element} element @param {string} text */
function show(element, text) {
  if (element.textContent !== text) element.textContent = text;
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
  const count = String(data.get('count'));
  const size = Number(count) * unit;
  const end = Date.now() + clockDifference + size;
  /** @type {Intl.DateTimeFormatOptions} */
  const date = size > 20 * 3_600_000 ? { weekday: 'short', day: 'numeric', month: 'short' } : {};
  // How long working hours last, only the station knows.
  const bare = count === '' ? (output.getAttribute('data-until') ?? '') : ahead.until();
  show(output, size > 0 && size < longest ? `until ${clock(end, date)}` : bare);
}

// ---------------------------------------------------------------- what happens

const ahead = openAhead(main, showUntil);
watchHands(main);
main.addEventListener('input', showUntil);
main.addEventListener('change', () => {
  showChosen(main);
  // What waited for the last tick to go.
  if (main.querySelector('[data-show-new], .gone') !== null && ticked(main).length === 0) lookSoon();
});
main.addEventListener('click', (event) => {
  if (!(event.target instanceof Element) || event.target.closest('[data-show-new]') === null) return;
  showNew = true;
  lookSoon();
});
window.addEventListener('pageshow', (event) => {
  showChosen(main);
  if (!event.persisted || document.hidden) return;
  // Back from the browser's memory: what it shows is old.
  lookSoon();
  feed.follow();
});
window.addEventListener('pagehide', () => feed.leave());
// The browser knows before the line does.
window.addEventListener('offline', () => {
  feed.leave();
  alive = false;
  showLight();
});
window.addEventListener('online', () => {
  lookSoon();
  feed.follow();
});
document.addEventListener('visibilitychange', () => {
  // Hidden pages hold no connection: a browser has few for one site.
  if (document.hidden) {
    feed.leave();
    alive = false;
    showLight();
  } else {
    lookAgain = false;
    lookSoon();
    feed.follow();
  }
});
setInterval(() => {
  showTimes();
  showLight();
  if (document.hidden) return;
  feed.check();
  if (Date.now() - lastLook > lookAnyway) lookSoon();
}, agesEvery);

ownRefused(main);
showUntil();
showChosen(main);
ahead.check(0);
if (!document.hidden) feed.follow();
