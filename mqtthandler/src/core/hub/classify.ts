/**
 * What became of an attempt to connect to the hub. The SDK calls every first failure "not
 * authorized", so what the MQTT client below it says counts: the number of a CONNACK [MQTT 3.1.1,
 * section 3.2.2.3], or a code of the system; and only where neither is known, the words.
 */

export type ConnectOutcome =
  'connack_1' | 'connack_2' | 'connack_3' | 'connack_4' | 'connack_5' | 'network' | 'timeout';

/** In the order of their numbers, from 1. */
const CONNACK_WORDS = [
  'unacceptable protocol version',
  'identifier rejected',
  'server unavailable',
  'bad username or password',
  'not authorized',
];

/** @param code of the MQTT client's error: a CONNACK's number or a system's code */
export function connectOutcome(code: string | number | undefined, message: string): ConnectOutcome {
  const byCode = connack(Number(code));
  if (byCode !== undefined) return byCode;
  if (code === 'ETIMEDOUT') return 'timeout';
  // The SDK's own "(Not authorized)" says nothing; the refusal follows it.
  const words = /Connection refused: ([^.:()]+)/i.exec(message)?.[1]?.trim().toLowerCase() ?? '';
  return connack(CONNACK_WORDS.indexOf(words) + 1) ?? 'network';
}

function connack(number: number): ConnectOutcome | undefined {
  return number >= 1 && number <= CONNACK_WORDS.length && Number.isInteger(number)
    ? (`connack_${number}` as ConnectOutcome)
    : undefined;
}
