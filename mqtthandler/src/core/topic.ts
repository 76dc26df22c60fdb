/** Topics with the placeholders of the reference architecture (contract, section 4). */
import type { Device } from './message.ts';

/** A published topic may hold no wildcard [MQTT-3.3.2-2] and no NUL [MQTT-1.5.4-2]. */
// oxlint-disable-next-line no-control-regex -- NUL is what is looked for
export const TOPIC_PATTERN = /^[^+#\u0000]{1,1024}$/;

/** Fills in `%(device_uuid)s %(device_type)s %(app_id)s %(app_name)s`. */
export function expandTopic(template: string, device: Device): string {
  const values = new Map([
    ['device_uuid', device.uuid],
    ['device_type', device.type],
    ['app_id', device.appId],
    ['app_name', device.appName],
  ]);
  return template.replaceAll(/%\((\w+)\)s/g, (whole, name: string) => values.get(name) ?? whole);
}
