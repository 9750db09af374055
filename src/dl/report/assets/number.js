"use strict";
// Writes a number for people, as `dl.text.number` does: four digits, thousands apart from 10,000 on.
function dlNumber(value, padded = false) {
  if (value == null) return "–";
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "inf").toLowerCase();
  if (value === 0) return "0";
  const size = Math.abs(value);
  const plain = size >= 1e-4 && size < 1e7;
  const [mantissa, power] = size.toExponential(80).split("e");
  let [text, exponent] = (plain ? size.toFixed(Math.max(0, 3 - power)) : size.toExponential(3)).split("e");
  // Of two nearest ones Python takes the even digit, and JavaScript the greater.
  const dropped = mantissa.slice(2 + (plain ? Math.max(3, power) : 3));
  if (/^50*$/.test(dropped) && text.at(-1) % 2) text = text.slice(0, -1) + (text.at(-1) - 1);
  if (plain && size >= 9999.5) text = text.replace(/\B(?=(\d{3})+$)/g, ",");
  if (!padded && text.includes(".")) text = text.replace(/\.?0+$/, "");
  if (exponent) text += `e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  return (value < 0 ? "-" : "") + text;
}
