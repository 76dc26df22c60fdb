/** What the parts of the cloud know of each other: DPS assigns devices to hubs over these. */
import type { JsonObject } from './json.ts';

/** How a hub recognises a device. */
export type DeviceAuthentication =
  /** Keys in base64. */
  | { readonly kind: 'sas'; readonly primaryKey: string; readonly secondaryKey: string }
  /** Thumbprints of certificates, SHA-1 or SHA-256 in hexadecimal; self-signed ones will do. */
  | { readonly kind: 'x509_thumbprint'; readonly primary: string; readonly secondary?: string }
  /** Any certificate of an authority the hub trusts whose common name is the device id. */
  | { readonly kind: 'x509_ca' };

export interface DeviceIdentity {
  /** Up to 128 characters; unlike registration ids, case counts. */
  readonly deviceId: string;
  readonly enabled: boolean;
  readonly authentication: DeviceAuthentication;
}

/** A twin without its versions: what DPS sets at the start and carries from hub to hub. */
export interface TwinContent {
  readonly tags: JsonObject;
  readonly desired: JsonObject;
  readonly reported: JsonObject;
}

export interface Twin extends TwinContent {
  readonly desiredVersion: number;
  readonly reportedVersion: number;
}

/** What an administrator or DPS may do with the devices of a hub. */
export interface DeviceRegistry {
  readonly size: number;
  /** @throws HubError 409001 when the device exists */
  create(identity: DeviceIdentity, twin?: Partial<TwinContent>): void;
  get(deviceId: string): DeviceIdentity | undefined;
  list(): readonly DeviceIdentity[];
  /**
   * New keys take effect at the next CONNECT; disabling ends the connection.
   * @throws HubError 404001
   */
  update(deviceId: string, change: Partial<Omit<DeviceIdentity, 'deviceId'>>): void;
  /** Ends the connection; CONNECT is answered with 5 from then on. @returns whether there was one */
  delete(deviceId: string): boolean;
  /** @throws HubError 404001 */
  readTwin(deviceId: string): Twin;
  /**
   * Replaces the whole twin; versions go on counting. A connected device is told the new desired
   * properties.
   * @throws HubError 404001
   */
  replaceTwin(deviceId: string, twin: Partial<TwinContent>): void;
  /** A merge patch (null deletes), pushed to the device when it listens. @returns the new version */
  patchDesired(deviceId: string, patch: JsonObject): number;
  isConnected(deviceId: string): boolean;
}

/** A hub as DPS sees it. */
export interface HubRef {
  readonly name: string;
  /** What a device is told as `assignedHub`: host, with port where it is not 8883. */
  readonly host: string;
  readonly registry: DeviceRegistry;
  /** Ends the connection of one device, or of all; they may come back at once. */
  dropConnections(deviceId?: string): void;
}

export interface HubDirectory {
  readonly all: readonly HubRef[];
  /** By name or host, case ignored; undefined when there is none. */
  find(nameOrHost: string): HubRef | undefined;
}

/** A refusal in Azure's own numbers, e.g. 404103 DeviceNotOnline. */
export class HubError extends Error {
  override readonly name = 'HubError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(`${code} ${message}`);
    this.code = code;
  }

  /** The HTTP status Azure's service API gives it: the first three digits. */
  get status(): number {
    return Math.floor(this.code / 1000);
  }
}
