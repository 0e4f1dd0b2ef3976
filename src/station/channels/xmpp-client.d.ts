/** What the station uses of @xmpp/client 0.14, which comes without types. */
declare module '@xmpp/client' {
  import type { EventEmitter } from 'node:events';

  export interface Element {
    readonly name: string;
    readonly attrs: Record<string, string | undefined>;
    children: (Element | string)[];
    is(name: string, xmlns?: string): boolean;
    getNS(): string | undefined;
    getChild(name: string, xmlns?: string): Element | undefined;
    getChildren(name: string, xmlns?: string): Element[];
    getChildElements(): Element[];
    getChildText(name: string, xmlns?: string): string | null;
    text(): string;
    toString(): string;
  }

  export interface Parser extends EventEmitter {
    write(data: string): void;
  }

  export type Xml = {
    (
      name: string,
      attrs?: Record<string, string | undefined> | null,
      ...children: (Element | string | null | undefined | (Element | string | null | undefined)[])[]
    ): Element;
    readonly Parser: new () => Parser;
  };
  export const xml: Xml;

  /** What the library asks of a socket. */
  export interface Tube extends EventEmitter {
    readonly secure: boolean;
    connect(parameters: unknown): void;
    write(text: string, done: (error?: Error | null) => void): void;
    end(): void;
  }

  /** A class of which the library only uses the prototype. */
  export interface Transport {
    readonly prototype: {
      socketParameters(service: string): object | undefined;
      Socket: new () => Tube;
    };
  }

  export interface StreamManagement extends EventEmitter {
    id: string;
    enabled: boolean;
    enableSent: boolean;
    inbound: number;
    outbound: number;
    outbound_q: { readonly stanza: Element; readonly stamp: string }[];
    /** In milliseconds, like the next two; 0: never. */
    timeout: number;
    requestAckInterval: number;
    requestAckDebounce: number;
  }

  export type Authenticate = (
    credentials: { readonly username: string; readonly password: string },
    mechanism: string,
  ) => Promise<void>;

  export interface Client extends EventEmitter {
    readonly transports: Transport[];
    readonly reconnect: { stop(): void };
    readonly streamManagement: StreamManagement;
    readonly iqCallee: {
      set(xmlns: string, name: string, answer: (context: { readonly stanza: Element }) => object): void;
    };
    /** Of waits for the server's part of opening and closing the stream, in milliseconds. */
    timeout: number;
    readonly status: string;
    readonly jid: { toString(): string } | null;
    connect(service: string): Promise<void>;
    open(options: { readonly domain: string; readonly lang: string }): Promise<unknown>;
    send(element: Element): Promise<void>;
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
    disconnect(): Promise<unknown>;
  }

  export function client(options: {
    readonly service: string;
    readonly domain: string;
    readonly resource?: string;
    readonly username: string;
    readonly password?: string;
    readonly credentials?: (authenticate: Authenticate, mechanisms: readonly string[]) => Promise<void>;
    readonly timeout?: number;
  }): Client;
}
