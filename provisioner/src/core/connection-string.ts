/** A device connection string as the portal shows it: `HostName=..;DeviceId=..;SharedAccessKey=..`. */

export interface DeviceConnection {
  readonly host: string;
  readonly deviceId: string;
  readonly sharedAccessKey: string;
}

const KNOWN = new Set(['HostName', 'DeviceId', 'SharedAccessKey']);

/** @throws RangeError for what is missing, not known or not for a device; never shows a value */
export function parseConnectionString(text: string): DeviceConnection {
  const parts = new Map(
    text
      .split(';')
      .filter((part) => part.trim() !== '')
      .map((part) => {
        const equals = part.indexOf('=');
        return [part.slice(0, equals).trim(), part.slice(equals + 1).trim()] as const;
      }),
  );
  const [host = '', deviceId = '', sharedAccessKey = ''] = [...KNOWN].map((name) =>
    parts.get(name),
  );
  const unknown = [...parts.keys()].some((name) => !KNOWN.has(name));
  if (unknown || host === '' || deviceId === '' || !isKey(sharedAccessKey)) {
    throw new RangeError('not a connection string of a device with a symmetric key');
  }
  return { host, deviceId, sharedAccessKey };
}

/** A symmetric key: base64 of 16 to 64 bytes. */
export function isKey(text: string): boolean {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return false;
  const padding = /=*$/.exec(text)?.[0].length ?? 0;
  const bytes = (text.length / 4) * 3 - padding;
  return bytes >= 16 && bytes <= 64;
}
