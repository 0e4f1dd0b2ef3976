/**
 * What the name of a template says: `sms/raised.text.liquid` is the text of an
 * SMS about an alert that is raised, `email/any.subject.liquid` the subject of
 * every mail that has none of its own, `partials/footer.liquid` a piece that
 * others put in.
 */
import { notificationKinds } from '../core/alert.ts';
import { didYouMean } from '../nearest.ts';

export const templateChannels = ['email', 'sms', 'xmpp', 'webhook'] as const;
export type TemplateChannel = (typeof templateChannels)[number];

export const templateEvents = [...notificationKinds, 'digest', 'summary'] as const;
export type TemplateEvent = (typeof templateEvents)[number];
/** Stands for every event without a template of its own. */
export const anyEvent = 'any';

/** `json`: a text that must be JSON, in whose strings values are escaped. */
export type TemplatePart = 'subject' | 'text' | 'html' | 'json';
export const templateParts: Readonly<Record<TemplateChannel, readonly TemplatePart[]>> = {
  email: ['subject', 'text', 'html'],
  sms: ['text'],
  xmpp: ['text'],
  webhook: ['text', 'json'],
};

export const partialsFolder = 'partials';
export const templateEnding = '.liquid';

export type TemplateName =
  | {
      readonly kind: 'template';
      readonly channel: TemplateChannel;
      readonly event: TemplateEvent | typeof anyEvent;
      readonly part: TemplatePart;
    }
  | { readonly kind: 'partial' }
  | { readonly kind: 'unknown'; readonly why: string };

/** @param name its folder and file, with a slash between them. */
export function parseTemplateName(name: string): TemplateName {
  const [folder = '', file, ...deeper] = name.split('/');
  if (file === undefined || deeper.length > 0) return unknown('CHANNEL/EVENT.PART.liquid is expected');
  if (!file.endsWith(templateEnding)) return unknown('a name that ends in .liquid is expected');
  const words = file.slice(0, -templateEnding.length);
  if (folder === partialsFolder) {
    if (/^[a-z0-9_-]+$/i.test(words)) return { kind: 'partial' };
    return unknown('letters, digits, - and _ are expected before .liquid');
  }
  const channel = templateChannels.find((one) => one === folder);
  if (channel === undefined) return unknown(folderFault(folder) ?? '');
  return templateOf(channel, words);
}

/** Why a folder has no templates; null where it may have some. */
export function folderFault(folder: string): string | null {
  if (folders.includes(folder)) return null;
  return `no channel has templates in ${folder}${didYouMean(folder, folders, 'there are')}`;
}
const folders: readonly string[] = [...templateChannels, partialsFolder];

function templateOf(channel: TemplateChannel, words: string): TemplateName {
  const [eventName = '', partName = '', ...more] = words.split('.');
  const events = [...templateEvents, anyEvent] as const;
  const event = events.find((one) => one === eventName);
  if (event === undefined) {
    return unknown(`no event is called "${eventName}"${didYouMean(eventName, events, 'there are')}`);
  }
  const parts = templateParts[channel];
  const part = parts.find((one) => one === partName);
  if (part === undefined || more.length > 0) {
    const wanted = parts.map((one) => `${eventName}.${one}${templateEnding}`).join(' or ');
    return unknown(`${wanted} is expected`);
  }
  return { kind: 'template', channel, event, part };
}

const unknown = (why: string): TemplateName & { readonly kind: 'unknown' } => ({ kind: 'unknown', why });

/** The template that serves an event, the more specific one first; null: there is none. */
export function templateFor(
  texts: ReadonlyMap<string, string>,
  channel: TemplateChannel,
  event: TemplateEvent,
  part: TemplatePart,
): string | null {
  const name = (of: string): string => `${channel}/${of}.${part}${templateEnding}`;
  return [name(event), name(anyEvent)].find((one) => texts.has(one)) ?? null;
}
