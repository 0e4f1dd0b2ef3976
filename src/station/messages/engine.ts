/**
 * The templates of one policy, parsed when they are first used. They are
 * Liquid, a language without a way to the process, to files or to the network:
 * a piece that a template puts in comes from the same set, in memory. How long
 * a rendering may take and how much it may hold is limited, and a name that
 * nobody knows is a fault.
 *
 * An administrator wrote the templates, strangers wrote what they show. So
 * every value is escaped for where it goes, and a template cannot turn that
 * off: `raw` passes only HTML that the station itself made safe.
 */
import { createRequire } from 'node:module';
import type { Liquid, LiquidError, Template } from 'liquidjs';
import { templateEnding } from './names.ts';
import { escapeHtml, SafeHtml, type Variables } from './variables.ts';

/** In characters, of one template. */
export const templateMax = 65_536;
/**
 * In milliseconds by the clock, as the library counts: a rendering beyond it is given up. Much for any template, since
 * a busy machine counts, too; what goes on and on meets the limit of memory first.
 */
const renderMax = 500;
/** Values made in one rendering, as the library counts them: list entries and characters. */
const memoryMax = 4_000_000;
/** In characters, of what a template renders. */
const outputMax = 1_000_000;

/** What values are escaped for. */
export type Mode = 'plain' | 'html' | 'json';

/** `file`: the name of a template; its line and column count from 1. */
export type TemplateFault = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
};
export type Rendered =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly fault: TemplateFault };

/** A variable that a template uses, as a path of names, and where. */
export type Used = { readonly path: readonly string[]; readonly fault: (message: string) => TemplateFault };

type Library = typeof import('liquidjs');
let library: Library | null = null;

/** Loaded with the first template: most stations have none. Synchronous, as the reading of a policy is. */
function loaded(): Library {
  library ??= createRequire(import.meta.url)('liquidjs') as Library;
  return library;
}

export class TemplateSet {
  readonly texts: ReadonlyMap<string, string>;
  private readonly engines = new Map<Mode, Liquid>();
  private readonly parsed = new Map<string, readonly Template[]>();

  constructor(texts: ReadonlyMap<string, string>) {
    this.texts = texts;
  }

  /** Never throws, whatever the template does. */
  render(name: string, mode: Mode, variables: Variables): Rendered {
    try {
      const template = this.template(name, mode);
      // As globals, they are there in the pieces that a template puts in, too.
      const text: unknown = this.engine(mode).renderSync([...template], {}, { globals: variables });
      if (typeof text === 'string' && text.length <= outputMax) return { ok: true, text };
      const message = `renders more than ${outputMax} characters`;
      return { ok: false, fault: { file: name, line: 1, column: 1, message } };
    } catch (error) {
      return { ok: false, fault: this.faultOf(error, name) };
    }
  }

  /** What is wrong with a template before it says anything; null: nothing. */
  syntaxFault(name: string, mode: Mode): TemplateFault | null {
    try {
      this.template(name, mode);
      return null;
    } catch (error) {
      return this.faultOf(error, name);
    }
  }

  /** All variables from outside that a template uses, also where it does not come to it; none where it is broken. */
  used(name: string, mode: Mode): readonly Used[] {
    try {
      const { globals } = this.engine(mode).analyzeSync([...this.template(name, mode)], { partials: true });
      return Object.values(globals).flatMap((all) =>
        all.map((one) => ({
          path: one.toArray().filter((segment): segment is string => typeof segment === 'string'),
          fault: (message) => {
            const { row, col, file = name } = one.location;
            return { file: this.fileOf(file), line: row, column: col, message };
          },
        })),
      );
    } catch {
      return [];
    }
  }

  private template(name: string, mode: Mode): readonly Template[] {
    const key = `${mode} ${name}`;
    const known = this.parsed.get(key);
    if (known !== undefined) return known;
    const template = this.engine(mode).parse(this.texts.get(name) ?? '', name);
    this.parsed.set(key, template);
    return template;
  }

  private engine(mode: Mode): Liquid {
    const engine = this.engines.get(mode) ?? openEngine(mode, this.texts);
    this.engines.set(mode, engine);
    return engine;
  }

  private faultOf(error: unknown, name: string): TemplateFault {
    if (!isLiquidError(error)) {
      return { file: name, line: 1, column: 1, message: error instanceof Error ? error.message : 'fails' };
    }
    const { token, originalError } = error;
    const [line = 1, column = 1] = token.getPosition();
    const written =
      originalError?.message ?? error.message.replace(/(, file:[^\n]*?)?, line:\d+, col:\d+$/, '');
    // A variable's place lacks its file, but it knows the text that it stands in.
    const found = [...this.texts].find(([, text]) => text === token.input)?.[0];
    const file = token.file === undefined ? (found ?? name) : this.fileOf(token.file);
    return { file, line, column, message: plainWords(written) };
  }

  private fileOf(name: string): string {
    return this.texts.has(name) ? name : `${name}${templateEnding}`;
  }
}

const isLiquidError = (error: unknown): error is LiquidError => error instanceof Error && 'token' in error;

/** The library's words, where they say less than they could. */
function plainWords(message: string): string {
  if (/limit exceeded/.test(message)) return `takes too long or too much memory (${message})`;
  if (/call stack/i.test(message)) return 'puts itself in, again and again';
  const missing = /^ENOENT: Failed to lookup "([^"]*)"/.exec(message)?.[1];
  return missing === undefined
    ? message
    : `there is no ${missing}${missing.endsWith(templateEnding) ? '' : templateEnding}`;
}

// ---------------------------------------------------------------- the language

function openEngine(mode: Mode, texts: ReadonlyMap<string, string>): Liquid {
  const escaped = escapes[mode];
  // A piece can be named with its ending or without.
  const pieces = [...texts].flatMap(([name, text]) => [
    [name, text],
    [name.slice(0, -templateEnding.length), text],
  ]);
  const engine = new (loaded().Liquid)({
    templates: Object.assign(Object.create(null), Object.fromEntries(pieces)),
    cache: true,
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    parseLimit: templateMax,
    renderLimit: renderMax,
    memoryLimit: memoryMax,
    ...(mode === 'plain' ? {} : { outputEscape: escaped }),
  });
  engine.registerFilter('raw', { raw: true, handler: escaped });
  engine.registerFilter('json', { raw: true, handler: (value: unknown) => escapedJson(value, mode) });
  engine.registerFilter('date', zonedDate(engine));
  // Those with a clock or a zone of the machine's, and those that would make each attempt another text.
  for (const name of unfit) engine.unregisterFilter(name);
  return engine;
}

const unfit = [
  'date_to_xmlschema',
  'date_to_rfc822',
  'date_to_string',
  'date_to_long_string',
  'sample',
  'shuffle',
  'inspect',
  'jsonify',
];

const stringOf = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  if (typeof value === 'object' && !(value instanceof SafeHtml)) return JSON.stringify(value);
  return String(value);
};

const escapes: Readonly<Record<Mode, (value: unknown) => string>> = {
  plain: stringOf,
  html: (value) => (value instanceof SafeHtml ? value.html : escapeHtml(stringOf(value))),
  // Inside the quotes of a string; `json` makes a whole value, quotes and all.
  json: (value) => JSON.stringify(stringOf(value)).slice(1, -1),
};

function escapedJson(value: unknown, mode: Mode): string {
  const text = JSON.stringify(value instanceof SafeHtml ? value.html : (value ?? null));
  return mode === 'html' ? escapeHtml(text) : text;
}

type DateFilter = (this: unknown, value: unknown, format?: unknown, zone?: unknown) => unknown;
type FilterThis = { readonly context: { readonly globals: object } };

/** The library's `date`, in the person's zone; `now` is when the message is made. */
function zonedDate(engine: Liquid): DateFilter {
  const original = engine.filters.date as DateFilter;
  return function (this: unknown, value, format, zone) {
    const { globals } = (this as FilterThis).context;
    const person: unknown = Reflect.get(globals, 'person');
    const own: unknown =
      typeof person === 'object' && person !== null ? Reflect.get(person, 'timezone') : 'UTC';
    const at: unknown = value === 'now' || value === 'today' ? Reflect.get(globals, 'now') : value;
    return original.call(this, at, format, zone ?? own);
  };
}
