/**
 * The value of `SENSORS`: `auto`, or a list such as `bme280@1:0x76,host`. Items are `auto`, `host`
 * or `<driver>@<bus>:<address>`; `auto` may stand beside named sensors and includes `host`.
 */

export interface SensorPlace {
  readonly driver: string;
  readonly bus: number;
  readonly address: number;
}

export interface SensorList {
  /** Look for sensors that can be told by an identity register. */
  readonly auto: boolean;
  readonly host: boolean;
  readonly places: readonly SensorPlace[];
}

/** Driver name -> addresses its chip can have. */
export type DriverAddresses = Readonly<Record<string, readonly number[]>>;

/** Linux numbers its buses from 0; more than this is a typing error. */
const MAX_BUS = 255;

/** `0x76` */
export function addressText(address: number): string {
  return `0x${address.toString(16).padStart(2, '0')}`;
}

/** The stable id of a sensor on a bus (contract, section 2), e.g. `bme280-1-76`. */
export function sensorId(place: SensorPlace): string {
  return `${place.driver}-${place.bus}-${place.address.toString(16).padStart(2, '0')}`;
}

/** What is allowed, for the README and for errors. */
export function allowedSensors(drivers: DriverAddresses): string {
  const chips = Object.entries(drivers).map(
    ([name, addresses]) => `${name} at ${addresses.map(addressText).join(' or ')}`,
  );
  return `auto, or a list such as bme280@1:0x76,host without repetition; drivers: host, ${chips.join(', ')}`;
}

/** @throws RangeError for an unknown driver, a malformed item, a wrong address, a repetition */
export function parseSensorList(raw: string, drivers: DriverAddresses): SensorList {
  const items = raw
    .toLowerCase()
    .split(',')
    .map((item) => item.trim());
  const places = items
    .filter((item) => item !== 'auto' && item !== 'host')
    .map((item) => parsePlace(item, drivers));
  const names = [
    ...items.filter((item) => item === 'auto' || item === 'host'),
    ...places.map((place) => `${place.bus}:${place.address}`),
  ];
  if (new Set(names).size !== names.length) throw new RangeError('named twice');
  const auto = items.includes('auto');
  return { auto, host: auto || items.includes('host'), places };
}

function parsePlace(item: string, drivers: DriverAddresses): SensorPlace {
  const match = /^([a-z0-9]+)@(\d{1,3}):0x([0-9a-f]{1,2})$/.exec(item);
  const driver = match?.[1] ?? '';
  const bus = Number(match?.[2]);
  const address = Number.parseInt(match?.[3] ?? '', 16);
  const addresses = Object.hasOwn(drivers, driver) ? drivers[driver] : undefined;
  if (addresses === undefined || !addresses.includes(address) || bus > MAX_BUS) {
    throw new RangeError('no such sensor');
  }
  return { driver, bus, address };
}
