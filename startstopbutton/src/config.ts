/** Configuration of the button: the only reader of process.env. */
import { custom, integer, loadConfig, oneOf, text } from '@holdfast/kit';
import { REDIS_ENV } from '@holdfast/redis';
import { contactFor } from './core/contact.ts';
import type { Contact, Edge, Pull } from './core/contact.ts';

const EDGES: Readonly<Record<string, Edge>> = {
  FALLING: 'FALLING',
  RISING: 'RISING',
  BOTH: 'BOTH',
  // The reference architecture wrote it like this, and fleets have it in their variables.
  RAISING: 'RISING',
};

const PULLS: Readonly<Record<string, Pull>> = {
  UP: 'UP',
  DOWN: 'DOWN',
  NONE: 'NONE',
  OFF: 'NONE',
};

function word<T>(words: Readonly<Record<string, T>>): (raw: string) => T {
  return (raw) => {
    const key = raw.toUpperCase();
    const value = Object.hasOwn(words, key) ? words[key] : undefined;
    if (value === undefined) throw new RangeError('unknown word');
    return value;
  };
}

export const ENV = {
  ...REDIS_ENV,
  BUTTON_PIN: integer({
    fallback: 2,
    min: 0,
    max: 53,
    unit: 'BCM number',
    help: 'the line the button is on, not the number of the pin on the header',
  }),
  BUTTON_PULL_UP_DOWN: custom<Pull>(
    {
      fallback: 'UP',
      allowed: 'UP, DOWN, NONE (also OFF)',
      help: 'which resistor holds the line at rest; GPIO 2 and 3 are always UP, see above',
    },
    word(PULLS),
  ),
  BUTTON_EVENT: custom<Edge>(
    {
      fallback: 'FALLING',
      allowed: 'FALLING, RISING (also RAISING), BOTH',
      help: 'the edge that presses, see above; BOTH is for a switch that stays',
    },
    word(EDGES),
  ),
  BUTTON_BOUNCE_MILLIS: integer({
    fallback: 20,
    min: 1,
    max: 1_000,
    unit: 'ms',
    help: 'the line must be quiet for so long before the next press counts',
  }),
  BUTTON_LONG_PRESS_SECONDS: integer({
    fallback: 5,
    min: 0,
    max: 60,
    unit: 's',
    help: 'held for so long asks for provisioning instead; 0 = never, then a press acts at once',
  }),
  LED_PIN: integer({
    fallback: undefined,
    min: 0,
    max: 53,
    unit: 'BCM number',
    help: 'line of an LED that shows what the device does; not set = there is none',
  }),
  GPIO_BACKEND: oneOf(['auto', 'sysfs', 'chardev'], {
    fallback: 'auto',
    help: 'kernel interface: onoff on sysfs, gpiomon on the character device, auto = the first there is',
  }),
  GPIO_BASE: integer({
    fallback: undefined,
    min: 0,
    max: 4_095,
    unit: 'kernel number',
    help: 'number of GPIO 0 in sysfs, for a chip this service does not know; not set = looked up',
  }),
  HARDWARE_SIMULATOR: text({
    fallback: undefined,
    help: 'Unix socket of the hardware simulator; not set = the real line',
  }),
} as const;

export type ButtonConfig = ReturnType<typeof readConfig>;

/** @throws ConfigError naming every faulty variable */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env) {
  return loadConfig(ENV, env);
}

/** What the variables say about the button's contact. */
export function contactOf(config: ButtonConfig): Contact {
  return contactFor({
    pin: config.BUTTON_PIN,
    pull: config.BUTTON_PULL_UP_DOWN,
    edge: config.BUTTON_EVENT,
    bounceMs: config.BUTTON_BOUNCE_MILLIS,
    longPressMs: config.BUTTON_LONG_PRESS_SECONDS * 1_000,
  });
}
