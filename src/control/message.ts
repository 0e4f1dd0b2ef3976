/**
 * `mauvectl message preview`: a message as it would go out, in the words of a
 * policy's templates or in the channel's own, about an alert that is told on
 * the command line or made up. Nothing is sent, and no station is asked.
 */

import { smsSegmentsDefault } from '../station/channels/sms-limits.ts';
import { fitsSms } from '../station/channels/sms-text.ts';
import type { PersonId } from '../station/core/alert.ts';
import type { Message, RenderContext } from '../station/core/message.ts';
import type { Policy } from '../station/core/policy.ts';
import { openRenderer } from '../station/messages/renderer.ts';
import { type About, raisedFor, sampleOf } from '../station/messages/samples.ts';
import { didYouMean } from '../station/nearest.ts';
import { type FileFault, formatFault } from '../station/yaml-file.ts';
import { type Instant, systemClock } from '../time.ts';
import { type Done, exit, Refusal } from './ending.ts';
import type { MessageCommand } from './options-message.ts';
import { PolicyReader } from './policy-load.ts';

const digestTotal = 3;
const summaryTotal = 23;
const baseUrl = 'https://mauve.example.net';
const exampleToken = 'EXAMPLE-0123456789-EXAMPLE-0123456789';

/** @throws Refusal for a person whom the policy does not have. */
export async function messageCommand(command: MessageCommand): Promise<Done> {
  const now = systemClock.now();
  const read = command.file === null ? null : await new PolicyReader().policy(command.file, now);
  if (read !== null && !read.ok) return { text: '', places: read.faults.map(formatFault), code: exit.config };
  const policy = read?.policy ?? null;
  const faults: FileFault[] = [];
  const { say, context } = await sampleFor(command, policy, now);
  const renderer = openRenderer({ onFault: (fault) => faults.push(fault) });
  const message = renderer.render(say, context, policy?.templates ?? new Map());
  return { text: shown(command, message), places: faults.map(formatFault) };
}

async function sampleFor(command: MessageCommand, policy: Policy | null, now: Instant) {
  const { channel, event } = command;
  const person = personOf(command, policy);
  const about = await aboutOf(command, now);
  const total = event === 'summary' ? summaryTotal : digestTotal;
  const say = sampleOf(event, about, { person: person.id, channel, now }, total);
  const context: RenderContext = {
    person,
    channel,
    now,
    baseUrl,
    ackLink: () => `${baseUrl}/a/${exampleToken}`,
    limit: null,
    fits: channel === 'sms' ? (text) => fitsSms(text, smsSegmentsDefault) : null,
  };
  return { say, context };
}

function personOf({ person }: MessageCommand, policy: Policy | null): RenderContext['person'] {
  if (policy === null) {
    const id = (person ?? 'ann') as PersonId;
    return { id, name: id, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone };
  }
  const [first] = policy.people.keys();
  const found = policy.people.get((person ?? first ?? '') as PersonId);
  if (found !== undefined) return found;
  const hint = didYouMean(person ?? '', [...policy.people.keys()], null);
  throw new Refusal(exit.usage, `the policy has no person "${person ?? ''}"${hint}`);
}

async function aboutOf({ alert, level, event }: MessageCommand, now: Instant): Promise<About> {
  const source = alert.source ?? 'db1.example.net';
  const detail = alert.detail ?? '<p>Only <b>3 GB</b> are left on <code>/var</code>.</p>';
  // What makes a detail safe takes long to load, and no other command needs it.
  const { safeDetail } = await import('../station/html.ts');
  return {
    source,
    subject: alert.subject ?? source,
    alertId: alert.id ?? 'disk',
    summary: alert.summary ?? 'disk is 97% full',
    detailHtml: safeDetail(detail),
    level,
    code: 12,
    by: event === 're-raised' ? null : 'mia',
    note: 'on my way',
    raisedAt: raisedFor(event, now),
  };
}

function shown({ channel, html, json }: MessageCommand, message: Message): string {
  if (json) return `${JSON.stringify(message)}\n`;
  if (html) return message.html;
  const text = message.text.endsWith('\n') ? message.text : `${message.text}\n`;
  // Elsewhere the title is not shown.
  return channel === 'email' || channel === 'inbox' ? `Subject: ${message.title}\n\n${text}` : text;
}
