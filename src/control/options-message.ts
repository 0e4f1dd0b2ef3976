/** The words of `mauvectl message`: which message is meant, of whose, about what. */
import { type Level, levels } from '../station/core/alert.ts';
import { type TemplateEvent, templateEvents } from '../station/messages/names.ts';
import { didYouMean } from '../station/nearest.ts';

export const previewChannels = ['email', 'sms', 'xmpp', 'webhook', 'inbox'] as const;
type PreviewChannel = (typeof previewChannels)[number];

export type MessageCommand = {
  readonly kind: 'message preview';
  /** Null: no policy, and with that no templates. */
  readonly file: string | null;
  readonly channel: PreviewChannel;
  readonly event: TemplateEvent;
  /** Null: the first of the policy. */
  readonly person: string | null;
  readonly level: Level;
  /** What was not said is null, and made up. */
  readonly alert: Readonly<Record<'source' | 'subject' | 'id' | 'summary' | 'detail', string | null>>;
  readonly html: boolean;
  readonly json: boolean;
};

type OptionName = keyof MessageCommand['alert'] | 'policy' | 'channel' | 'event' | 'person' | 'level';
type Given = {
  readonly value: (name: OptionName) => string | null;
  readonly set: (name: 'html' | 'json') => boolean;
};

/** @returns the command, or what is wrong with the words. */
export function messageWords(
  kind: MessageCommand['kind'],
  [word, ...more]: readonly string[],
  { value, set }: Given,
): MessageCommand | string {
  if (more.length > 0) return `${kind} takes one file, but got "${more.join(' ')}" as well`;
  const policy = value('policy');
  if (word !== undefined && policy !== null) return `${kind} takes one file: "${word}" or that of --policy`;
  const channel = oneOf('channel', value('channel') ?? 'email', previewChannels);
  const event = oneOf('event', value('event') ?? 'raised', templateEvents);
  const level = oneOf('level', value('level') ?? 'urgent', levels);
  if (!channel.ok) return channel.why;
  if (!event.ok) return event.why;
  if (!level.ok) return level.why;
  if (set('html') && channel.value !== 'email') return '--html goes with --channel email';
  if (set('html') && set('json')) return '--html and --json do not go together: --json has the HTML as well';
  return {
    kind,
    file: word ?? policy,
    channel: channel.value,
    event: event.value,
    level: level.value,
    person: value('person'),
    alert: {
      source: value('source'),
      subject: value('subject'),
      id: value('id'),
      summary: value('summary'),
      detail: value('detail'),
    },
    html: set('html'),
    json: set('json'),
  };
}

type Chosen<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

function oneOf<T extends string>(option: string, written: string, all: readonly T[]): Chosen<T> {
  const value = all.find((one) => one === written);
  if (value !== undefined) return { ok: true, value };
  const why = `--${option}: one of ${all.join(', ')} is expected${didYouMean(written, all, null)}`;
  return { ok: false, why };
}
