/**
 * The station's news, over one line for the whole browser. A browser opens few
 * connections to one site: were each window to hold its own, six of them would
 * leave none to click with. So one window holds the line and passes on what
 * comes; it says so when it leaves, and another one takes over. Nobody is told
 * of a holder that dies without a word: the silence says it, as it does of the
 * line itself.
 *
 * Two windows may hold a line for a moment: the younger one lets go.
 */

/** The station's beat comes every 15 s: two missed and the line is dead. */
const silenceMax = 35_000;
/** After a refused stream the browser gives up: try anew after so long. */
const retryAfter = 10_000;
/** So long a window waits for a holder to answer before it holds the line itself. */
const answerWait = 120;
const answerSpread = 80;

/**
 * @typedef {{ now: number, seq: number, ready: boolean, problems: string }} Beat
 * @typedef {{ alerts: number[] | 'all' }} News
 * @typedef {{ since: number, id: number }} Holder
 * @typedef {{ kind: 'who' } | { kind: 'gone' } | { kind: 'lost', refused: boolean, holder: Holder }
 *   | { kind: 'here', beat: Beat | null, holder: Holder }
 *   | { kind: 'news', news: News, seq: number, holder: Holder }} Message
 * @typedef {object} Reader
 * @property {() => number} seq the last entry of the history that the page has heard of
 * @property {(beat: Beat) => void} beat
 * @property {(news: News, seq: number) => void} news
 * @property {(refused: boolean) => void} lost
 */

/** @param {Reader} reader */
export function openFeed(reader) {
  const channel = new BroadcastChannel('mauve');
  let wanted = false;
  /** Set while this window holds the line. @type {Holder | null} */
  let holder = null;
  /** @type {EventSource | null} */
  let stream = null;
  /** @type {Beat | null} */
  let lastBeat = null;
  let lastHeard = 0;
  /** @type {number | undefined} */
  let timer;

  /** @param {Message} message */
  const say = (message) => channel.postMessage(message);

  function ask() {
    clearTimeout(timer);
    timer = setTimeout(hold, answerWait + Math.random() * answerSpread);
    say({ kind: 'who' });
  }

  function hold() {
    holder = { since: Date.now(), id: Math.random() };
    lastBeat = null;
    say({ kind: 'here', beat: null, holder });
    open();
  }

  function open() {
    if (holder === null) return;
    const opened = new EventSource(`/events?after=${reader.seq()}`);
    const own = holder;
    stream = opened;
    opened.addEventListener('beat', (event) => {
      lastHeard = Date.now();
      /** @type {Beat} */
      const beat = JSON.parse(event.data);
      lastBeat = beat;
      say({ kind: 'here', beat, holder: own });
      reader.beat(beat);
    });
    opened.addEventListener('change', (event) => {
      lastHeard = Date.now();
      /** @type {News} */
      const news = JSON.parse(event.data);
      const seq = Number(event.lastEventId) || 0;
      say({ kind: 'news', news, seq, holder: own });
      reader.news(news, seq);
    });
    opened.addEventListener('error', () => {
      const refused = opened.readyState === EventSource.CLOSED;
      lastBeat = null;
      say({ kind: 'lost', refused, holder: own });
      if (refused) {
        clearTimeout(timer);
        timer = setTimeout(open, retryAfter);
      }
      reader.lost(refused);
    });
  }

  function letGo() {
    clearTimeout(timer);
    stream?.close();
    stream = null;
    holder = null;
  }

  /** @param {Message} message */
  function hear(message) {
    if (!wanted) return;
    if (message.kind === 'who') {
      if (holder !== null) say({ kind: 'here', beat: lastBeat, holder });
      return;
    }
    if (message.kind === 'gone') {
      if (holder === null) ask();
      return;
    }
    if (holder !== null) {
      if (isElder(holder, message.holder)) {
        if (message.kind !== 'lost') say({ kind: 'here', beat: lastBeat, holder });
        return;
      }
      letGo();
    }
    clearTimeout(timer);
    // A holder that is still calling the station gets as long as the line itself.
    lastHeard = Date.now();
    if (message.kind === 'lost') reader.lost(message.refused);
    else if (message.kind === 'news') reader.news(message.news, message.seq);
    else if (message.beat !== null) reader.beat(message.beat);
  }
  channel.addEventListener('message', (event) => hear(event.data));

  return {
    /** Follows from now on, over whichever window's line. */
    follow() {
      if (wanted) return;
      wanted = true;
      lastHeard = Date.now();
      ask();
    },
    /** Follows no longer: hidden windows hold no line. */
    leave() {
      const held = holder !== null;
      wanted = false;
      letGo();
      if (held) say({ kind: 'gone' });
    },
    /** To be called now and then: a line that is dead in silence is not noticed by the browser for minutes. */
    check() {
      if (!wanted || Date.now() - lastHeard <= silenceMax) return;
      lastHeard = Date.now();
      letGo();
      reader.lost(false);
      ask();
    },
  };
}

/** @param {Holder} one @param {Holder} other */
const isElder = (one, other) => one.since < other.since || (one.since === other.since && one.id < other.id);
