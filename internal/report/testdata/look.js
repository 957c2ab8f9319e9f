// Measures the pages in the frames, and writes what it found into #said.
"use strict";

// A colour as red, green, blue and opacity.
function parse(text) {
  const parts = (text.match(/[\d.]+/g) || []).map(Number);
  return { r: parts[0], g: parts[1], b: parts[2], a: parts.length > 3 ? parts[3] : 1 };
}

// WCAG 2.2, relative luminance and contrast ratio.
function luminance(c) {
  const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  return 0.2126 * part(c.r) + 0.7152 * part(c.g) + 0.0722 * part(c.b);
}

function contrast(a, b) {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}

// What is behind an element: the first background that is not clear.
function behind(window, element) {
  for (let e = element; e; e = e.parentElement) {
    const c = parse(window.getComputedStyle(e).backgroundColor);
    if (c.a > 0.99) return c;
  }
  return { r: 255, g: 255, b: 255 };
}

function texts(document) {
  const walker = document.createTreeWalker(document.body, 4);
  const all = [];
  for (let n; (n = walker.nextNode());) {
    const e = n.parentElement;
    if (n.data.trim() && !["STYLE", "SCRIPT", "TITLE", "DESC"].includes(e.tagName.toUpperCase())) all.push(e);
  }
  return [...new Set(all)];
}

function shown(window, e) {
  const style = window.getComputedStyle(e), box = e.getBoundingClientRect();
  return style.visibility === "visible" && style.display !== "none" && box.width > 1 && box.height > 1;
}

function measure(frame) {
  const window = frame.contentWindow, document = frame.contentDocument, problems = [];
  const root = document.documentElement;
  if (root.scrollWidth > frame.clientWidth + 1) problems.push(`scrolls sideways: it is ${root.scrollWidth} wide`);
  let count = 0;
  for (const e of texts(document)) {
    if (!shown(window, e)) continue;
    count++;
    const style = window.getComputedStyle(e), inDrawing = e.namespaceURI.endsWith("svg");
    const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
    const ratio = contrast(parse(inDrawing ? style.fill : style.color), behind(window, e));
    if (ratio < (large ? 3 : 4.5)) problems.push(`too pale: ${ratio.toFixed(2)} for ${e.textContent.trim().slice(0, 40)}`);
    if (!inDrawing && style.overflowX !== "visible" && style.overflowX !== "auto" && e.scrollWidth > e.clientWidth + 1)
      problems.push(`cut off: ${e.textContent.trim().slice(0, 40)}`);
  }
  const asked = window.performance.getEntriesByType("resource").map(r => r.name);
  for (const image of document.querySelectorAll("img[src], link[href], script[src], iframe[src], object[data]")) asked.push(image.outerHTML.slice(0, 80));
  if (asked.length) problems.push(`asks for something: ${asked.join(", ")}`);
  const dark = luminance(behind(window, document.body)) < 0.2;
  return { Width: frame.clientWidth, Texts: count, Dark: dark, Problems: problems };
}

addEventListener("load", () => {
  document.getElementById("said").textContent = JSON.stringify([...document.querySelectorAll("iframe")].map(measure));
});
