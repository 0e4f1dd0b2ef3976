/**
 * What turns owed messages into words when they are about to go: the channel's
 * own, or those of the policy's templates, which are parsed once for each
 * policy. A template that fails is told, and never costs the message.
 */
import { type Message, messageOf, type RenderContext, type ToSay, wordsOf } from '../core/message.ts';
import { contentOf } from '../core/message-content.ts';
import { type TemplateFault, TemplateSet } from './engine.ts';
import { templatedWords } from './words.ts';

export interface Renderer {
  /** @param templates of the policy in force: see `Policy.templates`. */
  render(say: ToSay, context: RenderContext, templates: ReadonlyMap<string, string>): Message;
}

export type RendererOptions = {
  /** A template failed while a message was made, which went out in the channel's own words. */
  readonly onFault: (fault: TemplateFault) => void;
};

export function openRenderer({ onFault }: RendererOptions): Renderer {
  // A policy that is read again brings another map, and the parsed templates of the old one go with it.
  const sets = new WeakMap<ReadonlyMap<string, string>, TemplateSet>();
  return {
    render(say, context, templates) {
      const content = contentOf(say, context);
      if (templates.size === 0) return messageOf(say, content, wordsOf(say, content, context), context);
      const set = sets.get(templates) ?? new TemplateSet(templates);
      sets.set(templates, set);
      const { words, faults } = templatedWords(set, say, content, context);
      for (const fault of faults) onFault(fault);
      return messageOf(say, content, words, context);
    },
  };
}
