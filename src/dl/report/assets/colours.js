"use strict";
// A colour of the palette as the page has it now, light or dark, and those between two of them.
const dlColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function dlMix(from, to, share) {
  const [low, high] = [from, to].map((name) => dlColour(name).match(/[\da-f]{2}/gi).map((part) => parseInt(part, 16)));
  return `#${low.map((part, at) => Math.round(part + share * (high[at] - part)).toString(16).padStart(2, "0")).join("")}`;
}

// The better of an order stands out more from the ground.
const dlShade = (share) => dlMix("--line", "--training", 0.25 + 0.75 * share);
