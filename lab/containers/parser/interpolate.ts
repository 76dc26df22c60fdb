/**
 * Variables in compose files: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?text}`,
 * `${NAME?text}`, `${NAME:+other}`, `${NAME+other}` and `$$` for a dollar sign; a colon makes an empty
 * value count as not set. Compose specification, "Interpolation".
 */
export type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLE = /\$(?:(\$)|\{([A-Za-z_]\w*)(?:(:?[-?+])([^}]*))?\}|([A-Za-z_]\w*))/g;

export class ComposeError extends Error {}

function value(environment: Environment, name: string, operator: string, text: string): string {
  const raw = environment[name];
  const set = operator.startsWith(':') ? raw !== undefined && raw !== '' : raw !== undefined;
  if (operator.endsWith('+')) return set ? text : '';
  if (set) return raw ?? '';
  if (operator.endsWith('?')) {
    throw new ComposeError(`required variable ${name} is missing a value: ${text}`);
  }
  return operator.endsWith('-') ? text : '';
}

/** All strings within `node`; keys stay as they are. */
export function interpolate(node: unknown, environment: Environment): unknown {
  if (typeof node === 'string') {
    return node.replaceAll(VARIABLE, (_all, dollar, braced, operator, text, bare) => {
      if (dollar !== undefined) return '$';
      return value(environment, String(braced ?? bare), String(operator ?? ''), String(text ?? ''));
    });
  }
  if (Array.isArray(node)) return node.map((one) => interpolate(one, environment));
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node).map(([key, one]) => [key, interpolate(one, environment)]);
  return Object.fromEntries(entries) as unknown;
}
