/**
 * What an MQTT broker's codes mean for us: one table per packet. Sources: MQTT 5.0 sections 3.2.2.2
 * (CONNACK), 3.4.2.1 (PUBACK), 3.14.2.1 (DISCONNECT); MQTT 3.1.1 section 3.2.2.3 (CONNACK).
 */

/** How soon to try again after a refused CONNECT. */
export type ConnectVerdict =
  /** The other side is busy or away: the usual backoff. */
  | 'retry'
  /** Wrong name, password, certificate or address: nothing changes by itself soon. */
  | 'retry_slowly'
  /** The broker does not speak this version of MQTT. */
  | 'other_version';

const CONNACK_V5: Readonly<Record<number, readonly [ConnectVerdict, string]>> = {
  0x80: ['retry', 'unspecified_error'],
  0x81: ['retry_slowly', 'malformed_packet'],
  0x82: ['retry_slowly', 'protocol_error'],
  0x83: ['retry', 'implementation_specific_error'],
  0x84: ['other_version', 'unsupported_protocol_version'],
  0x85: ['retry_slowly', 'client_identifier_not_valid'],
  0x86: ['retry_slowly', 'bad_user_name_or_password'],
  0x87: ['retry_slowly', 'not_authorized'],
  0x88: ['retry', 'server_unavailable'],
  0x89: ['retry', 'server_busy'],
  0x8a: ['retry_slowly', 'banned'],
  0x8c: ['retry_slowly', 'bad_authentication_method'],
  0x90: ['retry_slowly', 'topic_name_invalid'],
  0x95: ['retry_slowly', 'packet_too_large'],
  0x97: ['retry', 'quota_exceeded'],
  0x99: ['retry_slowly', 'payload_format_invalid'],
  0x9a: ['retry_slowly', 'retain_not_supported'],
  0x9b: ['retry_slowly', 'qos_not_supported'],
  0x9c: ['retry', 'use_another_server'],
  0x9d: ['retry_slowly', 'server_moved'],
  0x9f: ['retry', 'connection_rate_exceeded'],
};

const CONNACK_V3: Readonly<Record<number, readonly [ConnectVerdict, string]>> = {
  1: ['other_version', 'unsupported_protocol_version'],
  2: ['retry_slowly', 'client_identifier_not_valid'],
  3: ['retry', 'server_unavailable'],
  4: ['retry_slowly', 'bad_user_name_or_password'],
  5: ['retry_slowly', 'not_authorized'],
};

/** The verdict on a CONNACK's code; unknown codes are retried as usual. */
export function classifyConnack(code: number): { verdict: ConnectVerdict; reason: string } {
  const known = code < 0x80 ? CONNACK_V3[code] : CONNACK_V5[code];
  return { verdict: known?.[0] ?? 'retry', reason: known?.[1] ?? `connack_${code}` };
}

export type PublishVerdict = 'acknowledged' | 'refused' | 'later';

const PUBACK: Readonly<Record<number, readonly [PublishVerdict, string]>> = {
  0x00: ['acknowledged', 'success'],
  // Nobody subscribes: the broker has done its part.
  0x10: ['acknowledged', 'no_matching_subscribers'],
  0x80: ['later', 'unspecified_error'],
  0x83: ['later', 'implementation_specific_error'],
  // A permission can be given later; no reading is at fault.
  0x87: ['later', 'not_authorized'],
  0x90: ['later', 'topic_name_invalid'],
  0x91: ['later', 'packet_identifier_in_use'],
  0x95: ['refused', 'packet_too_large'],
  0x97: ['later', 'quota_exceeded'],
  0x99: ['refused', 'payload_format_invalid'],
};

/** The verdict on a PUBACK's code; unknown ones below 0x80 are success [MQTT 5.0, 2.4]. */
export function classifyPuback(code: number): { verdict: PublishVerdict; reason: string } {
  const known = PUBACK[code];
  if (known !== undefined) return { verdict: known[0], reason: known[1] };
  return { verdict: code < 0x80 ? 'acknowledged' : 'later', reason: `puback_${code}` };
}

const DISCONNECT: Readonly<Record<number, string>> = {
  0x81: 'malformed_packet',
  0x82: 'protocol_error',
  0x87: 'not_authorized',
  0x89: 'server_busy',
  0x8b: 'server_shutting_down',
  0x8d: 'keepalive_timeout',
  0x8e: 'session_taken_over',
  0x93: 'receive_maximum_exceeded',
  0x95: 'packet_too_large',
  0x96: 'message_rate_too_high',
  0x97: 'quota_exceeded',
  0x98: 'administrative_action',
  0x99: 'payload_format_invalid',
  0x9c: 'use_another_server',
  0x9d: 'server_moved',
};

/** The name of a DISCONNECT's reason. */
export function disconnectReason(code: number): string {
  return DISCONNECT[code] ?? `disconnect_${code}`;
}
