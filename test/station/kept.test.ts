/** What is kept of a message is read by others than its receiver: nothing in it lets them act in the receiver's name. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersonId } from '../../src/station/core/alert.ts';
import { timeline } from '../kit/station.ts';

describe('the link in a message', () => {
  const ackLink = (alert: number, person: string): string =>
    `http://mauve.example.net/a/SECRET-${person}-${alert}-0123456789`;

  for (const count of [1, 3]) {
    it(`reaches the person, and is kept nowhere, in a message of ${count}`, () =>
      timeline({ ackLink, gathers: true }, async (t) => {
        await t.update(Array.from({ length: count }, (_, n) => ({ id: `x${n}`, subject: `host${n}` })));
        await t.at(1);
        assert.equal(t.sent.length, 1);
        assert.match(t.sent[0]?.text ?? '', /\/a\/SECRET-ann-1-/);
        const kept = await t.reads.inbox({ person: 'ann' as PersonId, limit: 10, before: null });
        assert.equal(kept.length, count);
        for (const message of kept) assert.doesNotMatch(JSON.stringify(message), /SECRET/);
        const words = kept.filter(({ text }) => !text.startsWith('In one message with others'));
        assert.equal(words.length, 1, 'what went out as one is kept once');
        assert.match(
          words[0]?.text ?? '',
          /http:\/\/mauve\.example\.net\/alerts\/1/,
          'it shows the page instead',
        );
      }));
  }
});
