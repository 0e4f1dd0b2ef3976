/**
 * "If you acknowledge it for …": worked out anew by the station while the length
 * is being chosen in the form at the foot of an alert's page. It only shows.
 */

/** Whoever types is not asked about after each key. */
const typingRests = 300;
const takesAtMost = 10_000;

/**
 * @param {HTMLElement} main
 * @param {() => void} changed called when another length is shown.
 */
export function openAhead(main, changed) {
  /** @type {number | undefined} */
  let timer;
  /** Answers to older questions come to nothing. */
  let asked = 0;

  const block = () => main.querySelector('#if');

  function wanted() {
    const form = main.querySelector('#acknowledge');
    if (!(form instanceof HTMLFormElement)) return null;
    const data = new FormData(form);
    return { count: String(data.get('count')), unit: String(data.get('unit')) };
  }

  /** @param {Element} shown @param {{ count: string, unit: string }} length */
  const shows = (shown, { count, unit }) =>
    shown instanceof HTMLElement && shown.dataset.count === count && shown.dataset.unit === unit;

  async function ask() {
    const length = wanted();
    const shown = block();
    if (length === null || shown === null || shows(shown, length)) return;
    asked += 1;
    const own = asked;
    shown.setAttribute('aria-busy', 'true');
    const fresh = await fetchBlock(length).catch(() => null);
    if (own !== asked) return;
    const now = block();
    if (fresh === null) {
      now?.replaceChildren('What comes then could not be asked: not connected.');
      now?.removeAttribute('aria-busy');
    } else now?.replaceWith(document.adoptNode(fresh));
    changed();
  }

  /** @param {{ count: string, unit: string }} length */
  async function fetchBlock(length) {
    const answer = await fetch(`${location.pathname}?${new URLSearchParams(length)}`, {
      headers: { 'X-Mauve-Live': '1' },
      cache: 'no-store',
      signal: AbortSignal.timeout(takesAtMost),
    });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const found = page.getElementById('if');
    // An empty length means the usual one, and so shows another than was asked for.
    if (found !== null) Object.assign(found.dataset, length);
    return found;
  }

  function check(wait = typingRests) {
    clearTimeout(timer);
    const length = wanted();
    const shown = block();
    if (length === null || shown === null || shows(shown, length)) return;
    timer = setTimeout(ask, wait);
  }

  main.addEventListener('input', () => check());
  return {
    check,
    /** The fresh page knows nothing of the length being chosen. @param {HTMLElement} next */
    carry(next) {
      const length = wanted();
      const shown = block();
      const fresh = next.querySelector('#if');
      if (length === null || shown === null || fresh === null || shows(fresh, length)) return;
      if (!shows(shown, length)) return;
      const kept = /** @type {HTMLElement} */ (shown.cloneNode(true));
      // It is from before: asked for anew once it is in place.
      delete kept.dataset.count;
      fresh.replaceWith(next.ownerDocument.adoptNode(kept));
    },
    /** Until when the acknowledgement would last, where the block shows that length. */
    until() {
      const length = wanted();
      const shown = block();
      if (length === null || !(shown instanceof HTMLElement) || !shows(shown, length)) return '';
      return shown.dataset.until ?? '';
    },
  };
}
