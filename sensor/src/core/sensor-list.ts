/**
 * The value of `SENSORS`: `auto`, or a list such as `bme280@1:0x76,ina219@1:0x40?shunt_ohm=0.1,host`.
 * Items are `auto`, `host` or `<driver>@<bus>:<address>[?<option>=<number>&...]`; `auto` may stand
 * beside named sensors and includes `host`. And the value of `I2C_BUSES`.
 */
import { defaultOptions, parseOptions } from './options.ts';
import type { DriverForm, SensorOptions } from './options.ts';

export interface SensorPlace {
  readonly driver: string;
  readonly bus: number;
  readonly address: number;
  readonly options: SensorOptions;
}

export interface SensorList {
  /** Look for sensors that can be told by an identity register. */
  readonly auto: boolean;
  readonly host: boolean;
  readonly places: readonly SensorPlace[];
}

/** Driver name -> addresses and options its chip can have. */
export type DriverForms = Readonly<Record<string, DriverForm>>;

/** Linux numbers its buses from 0; more than this is a typing error. */
const MAX_BUS = 255;

/** `0x76` */
export function addressText(address: number): string {
  return `0x${address.toString(16).padStart(2, '0')}`;
}

/** The stable id of a sensor on a bus (contract, section 2), e.g. `bme280-1-76`. */
export function sensorId(place: Omit<SensorPlace, 'options'>): string {
  return `${place.driver}-${place.bus}-${place.address.toString(16).padStart(2, '0')}`;
}

/** `0x48 to 0x4f`, `0x76 or 0x77` */
export function addressesText(addresses: readonly number[]): string {
  const [first = 0, last = 0] = [addresses[0], addresses.at(-1)];
  const consecutive = addresses.length > 2 && last - first === addresses.length - 1;
  if (consecutive) return `${addressText(first)} to ${addressText(last)}`;
  return addresses.map(addressText).join(' or ');
}

/** What is allowed, for the README and for errors. */
export function allowedSensors(drivers: DriverForms): string {
  const chips = Object.entries(drivers).map(
    ([name, { addresses }]) => `${name} at ${addressesText(addresses)}`,
  );
  return `auto, or a list such as bme280@1:0x76,host without repetition; drivers: host, ${chips.join(', ')}; options as in the README`;
}

/** @throws RangeError for an unknown driver, a malformed item, a wrong address, a repetition */
export function parseSensorList(raw: string, drivers: DriverForms): SensorList {
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

function parsePlace(item: string, drivers: DriverForms): SensorPlace {
  const match = /^([a-z0-9]+)@(\d{1,3}):0x([0-9a-f]{1,2})(?:\?(.*))?$/.exec(item);
  const driver = match?.[1] ?? '';
  const bus = Number(match?.[2]);
  const address = Number.parseInt(match?.[3] ?? '', 16);
  const form = Object.hasOwn(drivers, driver) ? drivers[driver] : undefined;
  if (form === undefined || !form.addresses.includes(address) || bus > MAX_BUS) {
    throw new RangeError('no such sensor');
  }
  const given = match?.[4];
  const options = given === undefined ? defaultOptions(form.options) : parseOptions(given, form);
  return { driver, bus, address, options };
}

/**
 * `auto` (every bus there is: undefined) or numbers such as `1,3`.
 * @throws RangeError for anything else
 */
export function parseBusList(raw: string): readonly number[] | undefined {
  if (raw.toLowerCase() === 'auto') return undefined;
  const items = raw.split(',').map((item) => item.trim());
  if (items.some((item) => !/^\d{1,3}$/.test(item))) throw new RangeError('no bus number');
  const buses = items.map(Number);
  const twice = new Set(buses).size !== buses.length;
  if (twice || buses.some((bus) => bus > MAX_BUS)) throw new RangeError('no list of buses');
  return buses;
}
