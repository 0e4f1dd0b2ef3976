/**
 * Scamper's JSON as records. Pure. Nothing in it is believed unseen: what does
 * not fit its task is refused with words, and never counts as loss.
 */
import { isIP } from 'node:net';
import { type Instant, instant, milliseconds, minus, plus, seconds } from '../../time.ts';
import { attempts } from '../core/attempts.ts';
import type { Address, Hop, HopProbe, PingRecord, TraceEnd, TraceRecord } from '../core/record.ts';
import type { Answer, PingTask, TraceTask } from './engine.ts';
import { type Icmp, icmpWords, isEchoReply } from './icmp.ts';
import { everyOf, hopRange, waitSeconds } from './scamper-commands.ts';

/** When a task was handed over, and when its answer came: what it says of time lies between. */
export type Span = { readonly from: Instant; readonly to: Instant };

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isWhole = (value: unknown, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;

const refused = (detail: string): { ok: false; why: 'refused'; detail: string } => ({
  ok: false,
  why: 'refused',
  detail: `the engine's answer is no use: ${detail}`,
});

/** The longest text of an address: more is none. */
const addressMax = 45;
export const asAddress = (value: unknown): Address | null =>
  typeof value === 'string' && value.length <= addressMax && isIP(value) !== 0
    ? (value.toLowerCase() as Address)
    : null;

export const versionOf = (address: Address): 4 | 6 => (address.includes(':') ? 6 : 4);

/** To one task: more than it can have sent, for some answer twice. */
const responsesMax = 64;
/** A glance at the clock and another may differ by that much. */
const slack = seconds(1);

/** The time in `{sec, usec}` if it can be true; else, as when the clock was set meanwhile, that of the task. */
function timeOf(value: unknown, span: Span): Instant {
  if (!isFields(value) || typeof value.sec !== 'number' || typeof value.usec !== 'number') return span.from;
  const at = instant(value.sec * 1000 + value.usec / 1000);
  return at >= minus(span.from, slack) && at <= plus(span.to, slack) ? at : span.from;
}

function icmpOf(fields: Fields): Icmp | null {
  const { icmp_type: type, icmp_code: code } = fields;
  return isWhole(type, 255) && isWhole(code, 255) ? { type, code } : null;
}

/** What the answer was asked for by: null where it is not an answer to a task. */
export function userOf(answer: unknown): number | null {
  if (!isFields(answer) || (answer.type !== 'ping' && answer.type !== 'trace')) return null;
  return isWhole(answer.userid, 0xffffffff) ? answer.userid : null;
}

/** JSON that is no JSON is null. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function readPing(answer: unknown, task: PingTask, span: Span): Answer<readonly PingRecord[]> {
  if (!isFields(answer) || answer.type !== 'ping') return refused('no ping');
  if (answer.dst !== task.address) return refused('a ping of another address');
  const { responses } = answer;
  if (!Array.isArray(responses) || responses.length > responsesMax) return refused('no list of responses');
  const sent = answer.ping_sent;
  if (!isWhole(sent, task.count) || sent === 0) return refused('it was not sent');
  const start = timeOf(answer.start, span);
  const records = Array.from({ length: task.count }, (_, n): PingRecord => {
    const at = plus(start, milliseconds(n * everyOf(task.every)));
    // It ends as soon as it has as many answers as it was to send pings, and some answer twice.
    const outcome = n < sent ? ({ kind: 'lost' } as const) : ({ kind: 'unsent', why: 'not sent' } as const);
    return { address: task.address, at, outcome };
  });
  const heard = new Set<number>();
  for (const response of responses) {
    if (!isFields(response) || !isWhole(response.seq, task.count - 1)) return refused('no response');
    // The first of several answers to one ping is the one that counts.
    if (heard.has(response.seq)) continue;
    heard.add(response.seq);
    const outcome = outcomeOf(response, task);
    if (typeof outcome === 'string') return refused(outcome);
    const at = response.tx === undefined ? (records[response.seq]?.at ?? start) : timeOf(response.tx, span);
    records[response.seq] = { address: task.address, at, outcome };
  }
  return { ok: true, record: records };
}

/** @returns what is wrong with it, where it cannot be believed. */
function outcomeOf(response: Fields, task: PingTask): PingRecord['outcome'] | string {
  const from = asAddress(response.from);
  const icmp = icmpOf(response);
  if (from === null || icmp === null) return 'a response from nobody';
  const version = versionOf(task.address);
  if (!isEchoReply(version, icmp)) return { kind: 'error', from, why: icmpWords(version, icmp) };
  if (from !== task.address) return 'a reply of another address';
  const { rtt } = response;
  // It would not have waited for that: the clock was set meanwhile.
  const most = waitSeconds(task.timeout) * 1000 + slack;
  if (typeof rtt !== 'number' || !(rtt >= 0 && rtt <= most)) return 'a round trip that cannot be';
  // It waits for whole seconds; what came after the task's own timeout came too late.
  return rtt <= task.timeout ? { kind: 'reply', rtt } : { kind: 'lost' };
}

const ends: Readonly<Record<string, TraceEnd>> = {
  COMPLETED: 'reached',
  UNREACH: 'unreachable',
  LOOP: 'loop',
  GAPLIMIT: 'silent',
  HOPLIMIT: 'max-hops',
};

export function readTrace(answer: unknown, task: TraceTask, span: Span): Answer<TraceRecord> {
  if (!isFields(answer) || answer.type !== 'trace') return refused('no trace');
  if (answer.dst !== task.address) return refused('a trace of another address');
  const reason = answer.stop_reason;
  if (reason === 'ERROR') return refused('it could not send; perhaps another program holds the source port');
  const end = typeof reason === 'string' && Object.hasOwn(ends, reason) ? ends[reason] : undefined;
  if (end === undefined) return refused(reason === 'HALTED' ? 'the trace was halted' : 'no reason to stop');
  const replies = repliesOf(answer, task);
  if (typeof replies === 'string') return refused(replies);
  const { said, atTarget } = lastWords(replies, task);
  return {
    ok: true,
    record: {
      address: task.address,
      at: timeOf(answer.start, span),
      method: task.method,
      hops: hopsOf(answer.hop_count as number, replies, task),
      // A target that refuses has been reached.
      end: end === 'unreachable' && atTarget ? 'reached' : end,
      said: end === 'unreachable' && !atTarget ? said : '',
    },
  };
}

type Reply = {
  readonly ttl: number;
  /** Counts from 1. */
  readonly probe: number;
  readonly address: Address;
  readonly rtt: number | null;
  readonly icmp: Icmp | null;
};

/** All replies of a trace, or what is wrong with them. */
function repliesOf(answer: Fields, task: TraceTask): readonly Reply[] | string {
  const { hop_count: count, hops = [] } = answer;
  const { first, last } = hopRange(task);
  const probes = attempts(task).count;
  if (!isWhole(count, last)) return 'too many hops';
  if (!Array.isArray(hops)) return 'no list of hops';
  // A reply may come twice.
  if (hops.length > 2 * (last - first + 1) * probes) return 'too many replies';
  const replies: Reply[] = [];
  for (const hop of hops as readonly unknown[]) {
    const reply = replyOf(hop, replies.at(-1));
    if (reply === null) return 'a hop that is none';
    if (reply.ttl < first || reply.ttl > count) return 'a hop that was not probed';
    if (reply.probe < 1 || reply.probe > probes) return 'a probe that was not sent';
    replies.push(reply);
  }
  return replies;
}

/** The longest round trip that is believed: with more, or less than none, the clock was set meanwhile. */
const rttMax = seconds(300);

/** @param before the reply before it: nearly always of the same router, so that its address need not be looked at again. */
function replyOf(hop: unknown, before: Reply | undefined): Reply | null {
  if (!isFields(hop)) return null;
  const { probe_ttl: ttl, probe_id: probe, rtt, addr } = hop;
  const address = before !== undefined && addr === before.address ? before.address : asAddress(addr);
  if (!isWhole(ttl, 255) || !isWhole(probe, 255) || typeof rtt !== 'number' || address === null) return null;
  const true_ = rtt >= 0 && rtt <= rttMax;
  return { ttl, probe, address, rtt: true_ ? rtt : null, icmp: icmpOf(hop) };
}

const nothing: HopProbe = { address: null, rtt: null };

/** Every TTL up to the last one that was probed, with what came and what did not. */
function hopsOf(last: number, replies: readonly Reply[], task: TraceTask): Hop[] {
  const { count, all } = attempts(task);
  const { first } = hopRange(task);
  const hops = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => ({
    ttl: first + index,
    probes: new Array<HopProbe>(count).fill(nothing),
    heard: 0,
  }));
  for (const { ttl, probe, address, rtt } of replies) {
    const hop = hops[ttl - first];
    // The first of several replies to one probe is the one that counts.
    if (hop === undefined || hop.probes[probe - 1] !== nothing) continue;
    hop.probes[probe - 1] = { address, rtt };
    hop.heard = Math.max(hop.heard, probe);
  }
  return hops.map(({ ttl, probes, heard }) => ({
    ttl,
    // Where one answer is enough, none was sent after it.
    probes: all || heard === 0 ? probes : probes.slice(0, heard),
  }));
}

/** What ended it, if a router said so, and whether that was the target itself. */
function lastWords(replies: readonly Reply[], task: TraceTask): { said: string; atTarget: boolean } {
  const version = versionOf(task.address);
  const expired = version === 4 ? 11 : 3;
  const last = replies.findLast((reply) => reply.icmp !== null && reply.icmp.type !== expired);
  if (last === undefined || last.icmp === null) return { said: 'unreachable', atTarget: false };
  return { said: icmpWords(version, last.icmp), atTarget: last.address === task.address };
}
