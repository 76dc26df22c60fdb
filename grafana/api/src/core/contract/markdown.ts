/** The routes as Markdown, for the README; a test holds it equal. */
import { TABLE_ROUTES } from './routes.ts';
import type { TableRoute } from './routes.ts';

const cell = (value: string) => value.replaceAll('|', '\\|');

export function routesMarkdown(): string {
  return Object.values<TableRoute>(TABLE_ROUTES).map(routeMarkdown).join('\n\n');
}

function routeMarkdown({ path, help, parameters, columns }: TableRoute): string {
  const asked = parameters.map((p) => {
    const range = p.max === undefined || p.kind === 'time' ? '' : `, ${p.min} to ${p.max}`;
    return `\`${p.name}\` (${p.help}${range}; default ${p.fallback})`;
  });
  const rows = columns.map(({ name, type, nullable, help, words }) => {
    const closed = words === undefined ? '' : ` (${words.map((w) => `\`${w}\``).join(', ')})`;
    return `| \`${name}\` | ${type}${nullable ? ' or null' : ''} | ${cell(help)}${closed} |`;
  });
  return [
    `### \`GET ${path}\``,
    '',
    `${help[0]?.toUpperCase()}${help.slice(1)}.${asked.length === 0 ? '' : ` Parameters: ${asked.join(', ')}.`}`,
    '',
    '| column | type | meaning |',
    '| --- | --- | --- |',
    ...rows,
  ].join('\n');
}
