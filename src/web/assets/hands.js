/**
 * What the person has under their hands: a page that changes by itself takes
 * nothing out of them. What was typed, ticked and opened stays, and so does the
 * place on the page; nothing moves while somebody points, taps or marks text,
 * and once something is ticked the rows stay where they are.
 */

/** Whoever points at the list is about to click: nothing moves for so long after. */
const pointingHolds = 1000;
/** A press that never ends, or a click that came to nothing, holds the page no longer than this. */
const pressHolds = 10_000;
/** Text marked and forgotten must not stop the page for ever. */
const markingHolds = 60_000;
/** The station answers a form within 20 s: after this it was stopped, or the line is cut. */
const sendingHolds = 25_000;
/** A click follows its release by so much. */
const clickAfter = 60;

let pressedAt = 0;
let pointedAt = 0;
let markedAt = 0;
let sentAt = 0;
let composing = false;
let place = '';

/** @param {HTMLElement} main */
export function watchHands(main) {
  main.addEventListener('compositionstart', () => {
    composing = true;
  });
  main.addEventListener('compositionend', () => {
    composing = false;
  });
  main.addEventListener('pointerdown', () => {
    pressedAt = Date.now();
    pointedAt = pressedAt;
  });
  for (const end of ['pointerup', 'pointercancel']) {
    window.addEventListener(end, () =>
      setTimeout(() => {
        pressedAt = 0;
      }, clickAfter),
    );
  }
  main.addEventListener('pointermove', (event) => {
    // Browsers also tell of a resting pointer under which the page moved.
    const now = `${event.clientX} ${event.clientY}`;
    const target = /** @type {Element} */ (event.target);
    if (now !== place && target.closest('.alerts') !== null) pointedAt = Date.now();
    place = now;
  });
  document.addEventListener('selectionchange', () => {
    markedAt = Date.now();
  });
  document.addEventListener('submit', () => {
    sentAt = Date.now();
  });
  window.addEventListener('pageshow', () => {
    sentAt = 0;
  });
  main.addEventListener('change', (event) => {
    const box = /** @type {HTMLElement} */ (event.target);
    if (!(box instanceof HTMLInputElement) || box.dataset.all === undefined) return;
    for (const each of boxes(main)) each.checked = box.checked;
  });
}

/** Whether the page must stay as it is just now. @param {HTMLElement} main */
export function held(main) {
  const now = Date.now();
  if (composing || now - pointedAt < pointingHolds) return true;
  if (now - pressedAt < pressHolds || now - sentAt < sendingHolds) return true;
  const marked = window.getSelection();
  if (marked === null || marked.isCollapsed || now - markedAt > markingHolds) return false;
  return main.contains(marked.anchorNode);
}

// ---------------------------------------------------------------- ticks

/** @param {ParentNode} where @returns {NodeListOf<HTMLInputElement>} */
const boxes = (where) => where.querySelectorAll('.pick input:not(:disabled)');

/** @param {ParentNode} where @returns {HTMLInputElement[]} */
export const ticked = (where) => [...boxes(where)].filter((box) => box.checked);

/** Says how many are ticked, where a click would act on them. @param {HTMLElement} main */
export function showChosen(main) {
  const count = ticked(main).length;
  const button = main.querySelector('button[data-chosen]');
  if (button instanceof HTMLElement && count > 0)
    button.textContent = (button.dataset.chosen ?? '').replace('#', String(count));
  const all = main.querySelector('input[data-all]');
  if (!(all instanceof HTMLInputElement)) return;
  all.checked = count > 0 && count === boxes(main).length;
  all.indeterminate = count > 0 && !all.checked;
}

/** @param {ParentNode} where @returns {Map<string, HTMLLIElement>} */
function rowsOf(where) {
  const rows = new Map();
  for (const row of where.querySelectorAll('#list .alerts > li')) {
    const box = row.querySelector('.pick input');
    if (box instanceof HTMLInputElement) rows.set(box.value, row);
  }
  return rows;
}

/** Whether the fresh page has its rows elsewhere. @param {HTMLElement} main @param {HTMLElement} next */
export const moves = (main, next) => [...rowsOf(main).keys()].join() !== [...rowsOf(next).keys()].join();

/**
 * Puts the rows of the fresh page where they are now: what is ticked stays under
 * the finger. What is gone stays to be seen, and what is new waits to be asked for.
 * @param {HTMLElement} main
 * @param {HTMLElement} next
 */
export function steady(main, next) {
  const present = rowsOf(main);
  const fresh = rowsOf(next);
  const rows = [...present].map(([key, row]) => fresh.get(key) ?? goneRow(row));
  const list = next.querySelector('#list .alerts') ?? main.querySelector('#list .alerts')?.cloneNode();
  if (list instanceof HTMLElement) {
    list.replaceChildren(...rows);
    next.querySelector('#list .empty')?.replaceWith(list);
  }
  const added = [...fresh].filter(([key]) => !present.has(key)).map(([, row]) => row);
  const bar = next.querySelector('.bar') ?? main.querySelector('.bar')?.cloneNode(true);
  if (!(bar instanceof HTMLElement)) return;
  if (!bar.isConnected) list?.parentNode?.append(bar);
  if (added.length === 0) return;
  const urgent = added.filter((row) => row.classList.contains('urgent')).length;
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset.showNew = '';
  button.textContent = `Show ${added.length} new${urgent === 0 ? '' : `, ${urgent} urgent`}`;
  bar.append(button);
}

/** @param {HTMLLIElement} row */
function goneRow(row) {
  const gone = /** @type {HTMLLIElement} */ (row.cloneNode(true));
  if (gone.classList.contains('gone')) return gone;
  gone.classList.add('gone');
  gone.querySelector('.pick input')?.setAttribute('disabled', '');
  const tag = document.createElement('span');
  tag.className = 'tag';
  tag.textContent = 'no longer here';
  gone.querySelector('.sum')?.prepend(tag, ' ');
  return gone;
}

// ---------------------------------------------------------------- fields, focus, place

/** Remembers what the person has under their hands; the function returned gives it back. @param {HTMLElement} main */
export function keep(main) {
  const scroll = window.scrollY;
  const fields = [...main.querySelectorAll('form[data-keep] :is(input, select)')]
    .filter(changed)
    .map(stateOf);
  const open = [...main.querySelectorAll('details[open][id]')].map((each) => each.id);
  const focus = focusOf(main, document.activeElement);
  return () => {
    for (const field of fields) give(main, field);
    for (const id of open) document.getElementById(id)?.setAttribute('open', '');
    if (focus !== null) refocus(main, focus);
    window.scrollTo({ top: scroll, behavior: 'instant' });
  };
}

/**
 * What the station filled in again after it refused a form is as good as typed:
 * the next look brings a form without it.
 * @param {HTMLElement} main
 */
export function ownRefused(main) {
  if (main.querySelector(':scope > p.notice.bad') === null) return;
  for (const field of main.querySelectorAll('form[data-keep] :is(input, select)')) {
    if (field instanceof HTMLSelectElement) {
      const { value } = field;
      for (const option of field.options) option.defaultSelected = false;
      // Last, for a select without a default falls back to its first option: hours would be minutes.
      field.value = value;
    } else if (field instanceof HTMLInputElement && field.type === 'checkbox') {
      const { checked } = field;
      field.checked = checked;
      field.defaultChecked = true;
    } else if (field instanceof HTMLInputElement && /^(text|number)$/.test(field.type)) {
      const { value } = field;
      field.value = value;
      field.defaultValue = '';
    }
  }
}

/** @param {Element} field */
function changed(field) {
  if (field instanceof HTMLSelectElement)
    return [...field.options].some((o) => o.selected !== o.defaultSelected);
  if (!(field instanceof HTMLInputElement) || field.type === 'hidden') return false;
  if (field.type !== 'checkbox') return field.value !== field.defaultValue;
  return field.checked || field.defaultChecked;
}

/** @param {Element} field */
function stateOf(field) {
  const { value } = /** @type {HTMLInputElement | HTMLSelectElement} */ (field);
  return {
    path: pathOf(field),
    value,
    ticked: field instanceof HTMLInputElement && field.type === 'checkbox' ? field.checked : null,
  };
}

/** @param {HTMLElement} main @param {ReturnType<typeof stateOf>} field */
function give(main, field) {
  const found = main.querySelector(field.path);
  if (found instanceof HTMLInputElement && field.ticked !== null)
    found.checked = field.ticked && !found.disabled;
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

/** @param {HTMLElement} main @param {Element | null} element */
function focusOf(main, element) {
  if (element === null || !main.contains(element)) return null;
  const isText = element instanceof HTMLInputElement && element.type === 'text';
  const selection = isText ? [element.selectionStart, element.selectionEnd] : null;
  return { path: pathOf(element), selection };
}

/** @param {HTMLElement} main @param {NonNullable<ReturnType<typeof focusOf>>} focus */
function refocus(main, focus) {
  const found = main.querySelector(focus.path);
  if (!(found instanceof HTMLElement)) return;
  found.focus({ preventScroll: true });
  if (found instanceof HTMLInputElement && focus.selection !== null) {
    found.setSelectionRange(focus.selection[0] ?? null, focus.selection[1] ?? null);
  }
}
