/** The stand-in for Twilio, as a peer of the fault matrix. */
import { type Behaviour, openTwilio, type TwilioStandIn } from '../kit/twilio.ts';
import { Line } from './line.ts';
import { type Fault, type Peer, type Received, slowness } from './peer.ts';

const behaviours: Readonly<Record<Fault, Behaviour>> = {
  refused: { kind: 'drops' },
  timeout: { kind: 'hangs' },
  slow: { kind: 'slow', ms: slowness },
  'accepted, then lost': { kind: 'takes-and-drops' },
  permanent: { kind: 'refuses', status: 400, code: 21211 },
  'rate-limited': { kind: 'rate-limited', retryAfter: '1' },
};

export class SmsPeer implements Peer {
  readonly channel = 'sms';
  readonly address = '+447700900123';
  readonly line: Line;
  readonly twilio: TwilioStandIn;
  readonly resumes = false;
  asked: () => void = () => undefined;
  broke: () => void = () => undefined;
  attempts = 0;

  private constructor(twilio: TwilioStandIn, line: Line) {
    this.twilio = twilio;
    this.line = line;
    this.set(null);
  }

  static async open(): Promise<SmsPeer> {
    const twilio = await openTwilio();
    return new SmsPeer(twilio, await Line.to(Number(new URL(twilio.url).port)));
  }

  get settings(): Peer['settings'] {
    return {
      account_sid: this.twilio.accountSid,
      from: '+15005550006',
      api_base: `http://127.0.0.1:${this.line.port}`,
    };
  }

  get env(): Peer['env'] {
    return { MAUVE_TWILIO_AUTH_TOKEN: this.twilio.authToken };
  }

  /** Twilio has nothing by which a handset could tell that it has a message already. */
  get received(): readonly Received[] {
    return this.twilio.messages.map(({ body }) => ({ id: null, text: body }));
  }

  set(fault: Fault | null): void {
    this.twilio.behave(() => {
      this.attempts += 1;
      this.asked();
      return fault === null ? { kind: 'takes' } : behaviours[fault];
    });
  }

  async close(): Promise<void> {
    await this.line.close();
    await this.twilio.close();
  }
}
