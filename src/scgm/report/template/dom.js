"use strict";

// Making elements. Text is always set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function make(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

function say(sentence) {
  byId("said").textContent = sentence;
}

function number(value, digits) {
  return value === null || value === undefined ? "" : value.toFixed(digits);
}

const INDEX = JSON.parse(byId("index").textContent);
const IMAGES = INDEX.images;

function detailsOf(place) {
  return JSON.parse(byId(`details-${place}`).textContent);
}
