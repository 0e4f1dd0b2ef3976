/**
 * What Twilio's error codes mean, in words that somebody can act on: those that
 * it answers with, and those by which it reports what became of a message.
 * https://www.twilio.com/docs/api/errors has each of them at length.
 */

/** About one message or one number, or about what the carrier did with it. */
const codes: Readonly<Record<number, string>> = {
  14107: 'too many messages went to this number in a short time',
  21211: 'the number is no valid telephone number',
  21214: 'the number cannot be reached',
  21217: 'the number seems to be no valid telephone number',
  21265: 'the number is a short code, which takes no messages',
  21266: "the number is the sender's own",
  21268: 'the number is for paid services, and takes no messages',
  21408:
    "messages to that country are not allowed: allow them in Twilio's console, under Messaging, Geo permissions",
  21602: 'the message has no text',
  21608: 'a trial account only sends to numbers that it verified: verify it in the console, or upgrade',
  21609: 'the address for reports is not one that Twilio can call: is base_url right?',
  21610:
    'the person unsubscribed by answering STOP: they must send START to the sender to hear from it again',
  21611: 'the queue of the sender is full',
  21612: 'no way leads from this sender to this number',
  21614: 'the number is no mobile number',
  21617: 'the message is longer than 1600 characters',
  21635: 'the number is a landline',
  30001: 'the queue at Twilio was full',
  30002: 'the Twilio account was suspended while the message was in the queue',
  30003: 'the handset could not be reached: it may be off or out of coverage',
  30004: 'the message was blocked: the handset or its carrier takes none from this sender',
  30005: 'the number is unknown to its carrier: it may no longer be in use',
  30006: 'the number is a landline, or its carrier cannot be reached',
  30007: 'the carrier or Twilio filtered it out as unwanted',
  30008: 'the carrier gave no reason',
  30009: 'a part of the message was lost on the way',
  30010: 'it would cost more than the highest price that is allowed',
  30017: 'the network of the carrier is congested',
  30018: 'the carrier wants this kind of sender to be registered first',
  30019: 'the carrier takes no message as long as this',
  30022: 'the US campaign of the sender went over its rate',
  30023: 'the US campaign of the sender reached its daily cap',
  30024: 'the carrier does not know the number of the sender',
  30027: 'the US campaign of the sender reached the daily limit of T-Mobile',
  30032: 'the toll-free number of the sender is not verified',
  30033: 'the US campaign of the sender is suspended',
  30034: 'the sender is not registered for messages in the US (A2P 10DLC)',
  30035: 'the number of the sender is still being set up',
  30036: 'it waited longer in the queue than a message may',
  30037: 'sending is switched off for this Twilio account',
  30038: 'it was filtered out because it looks like a one-time password',
  30039: 'it was filtered out because it looks like two machines answering each other',
  30040: 'the carrier wants the name of the sender to be registered first',
  30041: 'the number of the sender is not registered for messages in the United Kingdom',
  30410: 'the carrier did not answer Twilio in time',
  30450: "Twilio's protection against fraud held it back",
  30454: 'the Twilio account sent as many messages as it may',
  30485: 'it could not be delivered',
  30500: 'Twilio failed by itself',
  63038: 'the Twilio account sent as many messages as it may in a day',
};

/** @returns what the code means and the code; only the code where its meaning is not known; empty for 0. */
export function codeWords(code: number): string {
  if (code === 0) return '';
  const words = codes[code];
  return words === undefined ? `Twilio's error ${code}` : `${words} (Twilio's error ${code})`;
}

/** Where a refusal with this code lies. */
export type Blame =
  /** The login or the state of the account: nothing gets through until somebody mends it. */
  | 'account'
  /** The sender that the station file names. */
  | 'sender'
  /** That sender, to this very number. */
  | 'sender-to-number'
  /** Too much at once: later is right. */
  | 'pace';

const blames: Readonly<Record<number, Blame>> = {
  20003: 'account',
  20005: 'account',
  20006: 'account',
  20403: 'account',
  20404: 'account',
  90010: 'account',
  30002: 'account',
  30037: 'account',
  21212: 'sender',
  21603: 'sender',
  21660: 'sender',
  21661: 'sender',
  21701: 'sender',
  21702: 'sender',
  21703: 'sender',
  21704: 'sender',
  21705: 'sender',
  21606: 'sender-to-number',
  21659: 'sender-to-number',
  14107: 'pace',
  20429: 'pace',
  21611: 'pace',
  21730: 'pace',
  30001: 'pace',
  30454: 'pace',
  63038: 'pace',
};

/** @returns null: the code says nothing of that. */
export const blameOf = (code: number): Blame | null => blames[code] ?? null;
