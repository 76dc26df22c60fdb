// A screen captured from a terminal as an SVG picture.
//
//   tmux capture-pane -e -p -t SESSION | node tools/ansi-to-svg.mjs "TITLE" >docs/demo.svg
//
// Understands SGR sequences (ECMA-48, 8.3.117): bold, dim, inverse and the 16 colours. Each run of
// equal style stands at its own column, so that the picture keeps its shape in any monospaced font.
import { readFileSync } from 'node:fs';

const CELL = { width: 8.4, height: 18, font: 14 };
const MARGIN = 16;
const TITLE_BAR = 28;
const FOREGROUND = '#d6dae0';
const BACKGROUND = '#15181d';
const COLOURS = [
  '#5c6370',
  '#f2777a',
  '#7fc97f',
  '#f2c55c',
  '#6ea8fe',
  '#c792ea',
  '#4ecdc4',
  '#e6e6e6',
];
/** Block elements are drawn, because fonts leave gaps between them. */
const BLOCKS = '▁▂▃▄▅▆▇█';

const ESC = '\u001b';
const EACH_SGR = new RegExp(`(${ESC}\\[[0-9;]*m)`);

const PLAIN = { colour: FOREGROUND, bold: false, dim: false, inverse: false };

const escapeXml = (text) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

function applySgr(style, parameters) {
  let next = style;
  for (const text of parameters.split(';')) {
    const code = Number(text);
    if (code === 0) next = PLAIN;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, dim: true };
    else if (code === 7) next = { ...next, inverse: true };
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 39) next = { ...next, colour: FOREGROUND };
    else if (code >= 30 && code <= 37) next = { ...next, colour: COLOURS[code - 30] };
    else if (code >= 90 && code <= 97) next = { ...next, colour: COLOURS[code - 90] };
  }
  return next;
}

/** One screen row as runs `{ column, text, style }`; the style goes on into the next row. */
function runsOf(row, styleBefore) {
  const runs = [];
  let style = styleBefore;
  let column = 0;
  for (const piece of row.split(EACH_SGR)) {
    if (piece.startsWith(ESC)) style = applySgr(style, piece.slice(2, -1));
    else if (piece !== '') {
      runs.push({ column, text: piece, style });
      column += Array.from(piece).length;
    }
  }
  return { runs, style, columns: column };
}

const attributes = ({ colour, bold, dim }) =>
  `fill="${colour}"${bold ? ' font-weight="bold"' : ''}${dim ? ' opacity="0.55"' : ''}`;

function drawRun({ column, text, style }, y) {
  const x = MARGIN + column * CELL.width;
  const characters = Array.from(text);
  const shapes = characters.flatMap((one, i) => {
    const height = ((BLOCKS.indexOf(one) + 1) / BLOCKS.length) * (CELL.height - 4);
    if (height === 0) return [];
    const [left, top] = [x + i * CELL.width, y + CELL.height - 2 - height].map((n) => n.toFixed(1));
    return `<rect x="${left}" y="${top}" width="${CELL.width}" height="${height.toFixed(1)}" fill="#4ecdc4"/>`;
  });
  const rest = characters.map((one) => (BLOCKS.includes(one) ? ' ' : one)).join('');
  const ruled = rest.includes('─');
  if (ruled) {
    const middle = y + CELL.height / 2;
    const right = x + characters.length * CELL.width;
    return `<path d="M${x} ${middle}H${right.toFixed(1)}" stroke="${style.colour}" opacity="0.35"/>`;
  }
  return shapes.join('') + drawWords(rest, x, y, style);
}

/** Pieces between wide blanks, each at its own column: SVG renderers shrink repeated blanks. */
function drawWords(text, x, y, style) {
  return [...text.matchAll(/\S+( \S+)*/g)]
    .map(({ 0: words, index }) => {
      const left = (x + Array.from(text.slice(0, index)).length * CELL.width).toFixed(1);
      const length = (Array.from(words).length * CELL.width).toFixed(1);
      const place = `x="${left}" y="${y + CELL.font}" textLength="${length}"`;
      return `<text ${place} ${attributes(style)}>${escapeXml(words)}</text>`;
    })
    .join('');
}

const title = process.argv[2] ?? '';
let style = PLAIN;
const rows = readFileSync(0, 'utf8')
  .replace(/\n+$/, '')
  .split('\n')
  .map((row) => {
    const parsed = runsOf(row, style);
    style = parsed.style;
    return parsed;
  });
const columns = Math.max(...rows.map((row) => row.columns));
const width = Math.ceil(2 * MARGIN + columns * CELL.width);
const height = TITLE_BAR + 2 * MARGIN + rows.length * CELL.height;
const top = TITLE_BAR + MARGIN;

process.stdout
  .write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">
<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>
<path d="M0 ${TITLE_BAR}H${width}" stroke="#2a2f37"/>
<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${CELL.font}">
<text x="${width / 2}" y="19" fill="#8b93a1" text-anchor="middle">${escapeXml(title)}</text>
${rows
  .flatMap(({ runs }, i) => runs.map((run) => drawRun(run, top + i * CELL.height)))
  .filter(Boolean)
  .join('\n')}
</g>
</svg>
`);
