// What a client knows of a row, by feature -> the numbers that the graph of a bundle takes.
//
// The rules stand in bundle.json; this file needs nothing else, so that a page may copy it. Every
// self-test runs it over the records of the golden rows, which must give the golden inputs exactly.

const DAY = 86400;
const DATE = /(\d{4})-(\d\d)-(\d\d)/;
const TIME = /(\d\d)(?::(\d\d)(?::(\d\d)(\.\d+)?)?)?/;
const OFFSET = /(Z)|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?/;
const ISO = new RegExp(`^${DATE.source}(?:[T ]${TIME.source}(?:${OFFSET.source})?)?$`);

/** Give the tensor {shape, dtype, values} of an input of bundle.json for `records` of its features. */
export function encodeRows({ features, dtype }, records) {
  const width = features.reduce((sum, { columns = 1 }) => sum + columns, 0);
  const values = new Float32Array(records.length * width);
  let at = 0;
  for (const record of records) {
    for (const feature of features) {
      const { columns = 1 } = feature;
      values.set(encode(feature, record[feature.name]), at);
      at += columns;
    }
  }
  return { shape: [records.length, width], dtype, values };
}

function encode(feature, value) {
  const { name, type, columns = 1, missing = "error" } = feature;
  const blank = type === "text" && /^[ \t\r\n]*$/.test(value);
  if (value === undefined || value === null || Number.isNaN(value) || blank) {
    if (missing === "error") throw new RangeError(`there is no value of '${name}'`);
    return new Array(columns).fill(NaN);
  }
  if (type === "categorical") return [place(feature, value)];
  if (type === "datetime") return clock(feature, value);
  if (type === "text") return words(feature, String(value));
  if (type === "image" || type === "sequence") return block(feature, value);
  if (typeof value !== "number") throw new RangeError(`'${name}' takes a number, not '${value}'`);
  return [value];
}

/** The numbers of an image or a sequence, given as an array, or arrays of arrays. */
function block({ name, columns }, value) {
  const numbers = Array.from(value?.[Symbol.iterator] ? value : [value], (part) =>
    part?.[Symbol.iterator] ? Array.from(part) : part,
  ).flat(Infinity);
  const fine = numbers.every((number) => typeof number === "number" && !Number.isNaN(number));
  if (numbers.length === columns && fine) return numbers;
  throw new RangeError(`'${name}' takes ${columns} numbers, not ${numbers.length} values`);
}

function place({ name, values }, value) {
  const index = values.indexOf(String(value));
  if (index < 0) throw new RangeError(`'${value}' is not one of the values of '${name}'`);
  return index;
}

/** The numbers of the first words of a text, 0 where there are no more. */
function words({ columns, buckets }, text) {
  const found = text.normalize("NFKC").match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const numbers = found.slice(0, columns).map((word) => 1 + (hash(lower(word)) % buckets));
  return [...numbers, ...new Array(columns - numbers.length).fill(0)];
}

/** Each character by itself: no rule looks at its neighbours, and a final sigma is a sigma. */
function lower(word) {
  const characters = Array.from(word, (character) => character.toLowerCase());
  return characters.join("").replaceAll("ς", "σ").normalize("NFKC");
}

/** FNV-1a of 32 bits, of the word's UTF-8. */
function hash(word) {
  let found = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(word)) found = Math.imul(found ^ byte, 0x01000193);
  return found >>> 0;
}

/** Days since 1970-01-01 and seconds of the day, as the clock of the feature's time zone shows. */
function clock({ name, timezone, time_format: format }, value) {
  const { shown, moment, fraction } = read(value, format) ?? refuse(name, value, format);
  const seconds = shown ?? wall(moment, timezone);
  const day = Math.floor(seconds / DAY);
  return [day, seconds - day * DAY + fraction];
}

/** Read a Date, a number or ISO 8601: what a clock shows, or a moment; in seconds since 1970. */
function read(value, format) {
  if (value instanceof Date) return instant(value.getTime() / 1000);
  if (typeof value === "number" && format === "epoch") return instant(value);
  if (typeof value === "number" && format === "epoch_ms") return instant(value / 1000);
  const found = typeof value === "string" && ISO.exec(value.trim());
  if (!found) return null;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0));
  const shown = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  const [written, again] = [[year, month, day, hour, minute, second], new Date(shown * 1000)];
  const same = [
    [again.getUTCFullYear(), again.getUTCMonth() + 1, again.getUTCDate()],
    [again.getUTCHours(), again.getUTCMinutes(), again.getUTCSeconds()],
  ].flat();
  if (String(written) !== String(same)) return null; // 30 February, or 25 o'clock
  const fraction = Number(`0${(found[7] ?? "").slice(0, 7)}`); // microseconds, as in training
  const [utc, sign, hours, minutes] = found.slice(8, 12);
  if (!utc && !sign) return { shown, fraction };
  const offset = sign ? (Number(hours) * 60 + Number(minutes ?? 0)) * (sign === "-" ? -60 : 60) : 0;
  return { moment: shown - offset, fraction };
}

function instant(seconds) {
  if (!Number.isFinite(seconds)) return null;
  const moment = Math.floor(seconds);
  return { moment, fraction: seconds - moment };
}

function refuse(name, value, format) {
  const asked = format === "iso" ? "a Date or ISO 8601 as 2026-11-01T08:30:00" : `a Date or ${format}`;
  throw new RangeError(`'${name}' takes ${asked}, not '${value}'`);
}

const CLOCKS = new Map();

/** What the clock of a time zone shows at a moment, in seconds as if it were UTC. */
function wall(moment, timeZone) {
  if (timeZone === "UTC") return moment;
  if (!CLOCKS.has(timeZone)) {
    const numeric = { year: "numeric", month: "numeric", day: "numeric" };
    const time = { hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23" };
    const asked = { timeZone, ...numeric, ...time };
    CLOCKS.set(timeZone, new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", asked));
  }
  const parts = CLOCKS.get(timeZone).formatToParts(moment * 1000);
  const shown = Object.fromEntries(parts.map(({ type, value }) => [type, Number(value)]));
  const { year, month, day, hour, minute, second } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
}
