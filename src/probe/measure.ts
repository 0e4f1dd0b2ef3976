/**
 * One ping, one trace: what the engine is asked for a target, and by which rules
 * its answer is judged, given what this engine can do.
 */
import type { Logger } from '../log.ts';
import type { Clock, Duration } from '../time.ts';
import { askUntil, type Question } from './ask.ts';
import type { Method, PingRecord, TraceRecord } from './core/record.ts';
import type { Rules } from './core/rules.ts';
import type { Pings } from './core/schedule.ts';
import type { Shape } from './core/sparing.ts';
import type { Counts } from './counts.ts';
import type { Engine } from './engine/engine.ts';
import { flowOf } from './flow.ts';
import { withoutPathVerdicts } from './rules-file.ts';
import { pingsFault, traceFault } from './sound.ts';
import type { Watched } from './watched.ts';

export type Tracing = {
  readonly retries: number;
  readonly maxHops: number;
  readonly timeout: Duration;
};

export type MeasureOptions = {
  readonly engine: Engine;
  readonly tracing: Tracing;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counts: Counts;
  /** Whether this is still watched: of what is not, no answer is wanted. */
  readonly wanted: (watched: Watched) => boolean;
};

export class Measure {
  readonly #options: MeasureOptions;

  constructor(options: MeasureOptions) {
    this.#options = options;
  }

  /** @returns null where the engine has no answer, or where none is wanted any more. */
  ping(watched: Watched, { count, every }: Pings): Promise<readonly PingRecord[] | null> {
    const { engine, tracing } = this.#options;
    const { address } = watched;
    return this.#asked<readonly PingRecord[]>(
      watched,
      () => engine.ping({ address, timeout: tracing.timeout, count, every }),
      (records) => pingsFault(records, { address, count }),
    );
  }

  /**
   * @param shape what it may spare.
   * @returns null as for a ping.
   */
  trace(watched: Watched, shape: Shape): Promise<TraceRecord | null> {
    const { engine, tracing } = this.#options;
    const { address } = watched;
    const task = { address, method: this.#method(watched), flow: flowOf(address) };
    return this.#asked<TraceRecord>(
      watched,
      () => engine.trace({ ...task, ...tracing, ...shape }),
      (record) => traceFault(record, address),
    );
  }

  /** Where the flow cannot be held, routers that share load show another path each time: nothing is said of it. */
  rulesFor(watched: Watched): Rules {
    const { rules } = watched.target;
    const { fixedFlow } = this.#options.engine.can(watched.address);
    return fixedFlow.includes(this.#method(watched)) ? rules : withoutPathVerdicts(rules);
  }

  /** As it was asked for, or by what the engine can do. */
  #method({ address, target }: Watched): Method {
    const { methods } = this.#options.engine.can(address);
    return methods.includes(target.method) ? target.method : (methods[0] ?? target.method);
  }

  #asked<T extends readonly PingRecord[] | TraceRecord>(
    watched: Watched,
    ask: Question<T>['ask'],
    faultOf: Question<T>['faultOf'],
  ): Promise<T | null> {
    const wanted = (): boolean => this.#options.wanted(watched);
    return askUntil({ ask, faultOf, wanted }, this.#options);
  }
}
