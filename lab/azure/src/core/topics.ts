/**
 * User names, topics and filters of IoT Hub over MQTT. Source: "Communicate with an IoT hub using
 * the MQTT protocol". The hub is no broker: these are all topics there are.
 */

export interface HubUserName {
  readonly host: string;
  readonly deviceId: string;
  /** Empty when the client named none. */
  readonly apiVersion: string;
}

/** The four subscriptions a device can have. */
export type Subscription = 'devicebound' | 'methods' | 'twin_responses' | 'desired';

/** What a device may publish. */
export type DeviceTopic =
  | { readonly kind: 'event'; readonly bag: string }
  | { readonly kind: 'method_answer'; readonly status: number; readonly requestId: string }
  | { readonly kind: 'twin_get'; readonly requestId: string }
  | { readonly kind: 'twin_patch'; readonly requestId: string };

/** `{host}/{deviceId}/?api-version=...&DeviceClientType=...`; undefined for everything else. */
export function parseHubUserName(userName: string): HubUserName | undefined {
  const match = /^([^/]+)\/([^/]+)(?:\/\??(.*))?$/s.exec(userName);
  if (match === null) return undefined;
  const [, host = '', deviceId = '', rest = ''] = match;
  if (rest.includes('/') && !rest.startsWith('api-version=')) return undefined;
  const apiVersion = /(?:^|&)api-version=([^&/]*)/.exec(rest)?.[1] ?? '';
  return { host, deviceId, apiVersion };
}

/** Undefined for a filter the hub does not have, or of another device. */
export function parseFilter(filter: string, deviceId: string): Subscription | undefined {
  switch (filter) {
    case `devices/${deviceId}/messages/devicebound/#`:
      return 'devicebound';
    case '$iothub/methods/POST/#':
      return 'methods';
    case '$iothub/twin/res/#':
      return 'twin_responses';
    case '$iothub/twin/PATCH/properties/desired/#':
      return 'desired';
    default:
      return undefined;
  }
}

/** Undefined for a topic the hub does not have, or of another device. */
export function parseDeviceTopic(topic: string, deviceId: string): DeviceTopic | undefined {
  const events = `devices/${deviceId}/messages/events`;
  if (topic === events) return { kind: 'event', bag: '' };
  if (topic.startsWith(`${events}/`)) return { kind: 'event', bag: topic.slice(events.length + 1) };
  const answer = /^\$iothub\/methods\/res\/(-?\d+)\/\?\$rid=([^&]+)/.exec(topic);
  if (answer !== null) {
    return { kind: 'method_answer', status: Number(answer[1]), requestId: answer[2] ?? '' };
  }
  const twin = /^\$iothub\/twin\/(GET|PATCH\/properties\/reported)\/\?\$rid=([^&]+)/.exec(topic);
  if (twin === null) return undefined;
  return { kind: twin[1] === 'GET' ? 'twin_get' : 'twin_patch', requestId: twin[2] ?? '' };
}

export function methodTopic(method: string, requestId: string): string {
  return `$iothub/methods/POST/${method}/?$rid=${requestId}`;
}

/** @param more further parameters, e.g. `$version=4` */
export function twinAnswerTopic(status: number, requestId: string, ...more: string[]): string {
  return `$iothub/twin/res/${status}/?${[`$rid=${requestId}`, ...more].join('&')}`;
}

export function desiredTopic(version: number): string {
  return `$iothub/twin/PATCH/properties/desired/?$version=${version}`;
}

export function deviceboundTopic(deviceId: string, bag: string): string {
  return `devices/${deviceId}/messages/devicebound/${bag}`;
}
