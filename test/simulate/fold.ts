/**
 * How an alert stands, told from its history alone: what the history says has
 * to add up to what the store keeps.
 */
import type { Alert, Change } from '../../src/station/core/alert.ts';

export class Folded {
  phase: 'raised' | 'acknowledged' | 'cleared' = 'cleared';
  episode = 0;
  raisedAt: number | null = null;
  by = '';
  until = 0;
  note = '';
  subject = '';
  summary = '';
  importance = 0;
  detail = '';
  willRaise = false;
  willClear = false;
  suppressUntil: number | null = null;
  muted: string | null = null;

  take(change: Change, at: number, by: string | null): void {
    switch (change.kind) {
      case 'first-seen':
      case 'texts':
        this.subject = change.subject;
        this.summary = change.summary;
        this.importance = change.importance;
        this.detail = change.detail ?? this.detail;
        break;
      case 'raised':
        this.phase = 'raised';
        this.episode = change.episode;
        this.raisedAt = change.raisedAt;
        if (change.cause === 'planned') this.willRaise = false;
        break;
      case 're-raised':
        this.phase = 'raised';
        this.episode = change.episode;
        break;
      case 'acknowledged':
        this.phase = 'acknowledged';
        this.by = by ?? '';
        this.until = change.until;
        this.note = change.note;
        break;
      case 'cleared':
        this.phase = 'cleared';
        this.raisedAt = null;
        if (change.cause === 'planned') this.willClear = false;
        break;
      case 'suppressed':
        this.suppressUntil = change.until;
        break;
      case 'planned':
        this.willRaise = change.willRaiseAt !== null;
        this.willClear = change.willClearAt !== null;
        break;
      case 'muted':
        this.muted = change.by;
        break;
      case 'unmuted':
        this.muted = null;
        break;
      default:
        break;
    }
    // A re-raise moves when it was raised; its entry says so by its own time alone.
    if (change.kind === 're-raised') this.raisedAt = at;
  }

  /** @returns what does not add up, each as `what: folded, stored`. */
  differences(alert: Alert, now: number): readonly string[] {
    const { phase } = alert;
    const found: string[] = [];
    const compare = (what: string, folded: unknown, stored: unknown): void => {
      if (folded !== stored)
        found.push(`${what}: the history adds up to ${folded}, the store says ${stored}`);
    };
    compare('phase', this.phase, phase.kind);
    compare('episode', this.episode, alert.episode);
    if (phase.kind === 'acknowledged') {
      compare('acknowledged by', this.by, phase.by);
      compare('acknowledged until', this.until, phase.until);
      compare('note', this.note, phase.note);
    }
    compare('subject', this.subject, alert.subject);
    compare('summary', this.summary, alert.summary);
    compare('importance', this.importance, alert.importance);
    compare('detail', this.detail, alert.detail.slice(0, 4096));
    compare('a planned raise', this.willRaise, alert.willRaiseAt !== null);
    compare('a planned clear', this.willClear, alert.willClearAt !== null);
    const later = (at: number | null): number | null => (at !== null && at > now ? at : null);
    compare('suppressed until', later(this.suppressUntil), later(alert.suppressUntil));
    compare('muted', this.muted, alert.muted?.kind ?? null);
    return found;
  }
}
