import type { DeviceEvent } from '@holdfast/redis';

/** An event of the time line that a remote command has caused. */
export function event(
  name: string,
  fields: Readonly<Record<string, string | number>>,
): DeviceEvent {
  return { service: 'mqtthandler', event: name, fields: { source: 'command', ...fields } };
}
