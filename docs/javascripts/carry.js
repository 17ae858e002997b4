/* Below a quiz: the answers that this browser keeps, as a file for the terminal. Nothing is sent anywhere. */
(() => {
  const NAME = "dlquiz-progress.json";
  const {answers} = window.dlref;
  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const counted = (n) => `${n} answer${n === 1 ? "" : "s"}`;

  class Carry {
    constructor(section) {
      this.status = make("p", {className: "dl-kept"});
      this.status.setAttribute("role", "status");
      this.save = make("button", {type: "button", className: "dl-button", textContent: "Save as a file"});
      this.drop = make("button", {type: "button", className: "dl-button", textContent: "Delete them here"});
      this.save.addEventListener("click", () => this.download());
      this.drop.addEventListener("click", () => this.forget());
      const how = make("p", {}, "Then, in the terminal: ", make("code", {textContent: `dlquiz progress import ${NAME}`}), ". Importing a file twice changes nothing.");
      const summary = make("summary", {textContent: "Take your answers to the terminal"});
      this.box = make("details", {className: "dl-carry dl-help"}, summary, this.status, make("p", {className: "dl-actions"}, this.save, this.drop), how);
      section.append(this.box);
      section.addEventListener("dl-answered", () => this.paint());
      this.paint();
    }

    paint(said = "") {
      const count = answers.all().length;
      this.status.textContent = said || (count ? `This browser keeps ${counted(count)}, from all pages.` : "This browser keeps no answer yet.");
      for (const button of [this.save, this.drop]) button.disabled = !count;
    }

    download() {
      const address = URL.createObjectURL(new Blob([answers.file()], {type: "application/json"}));
      const link = make("a", {href: address, download: NAME});
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 60_000); // some browsers read it late
      this.paint(`${counted(answers.all().length)} saved as ${NAME}.`);
    }

    forget() {
      const count = answers.all().length;
      if (!confirm(`Delete ${counted(count)} from this browser? What was saved as a file stays.`)) return;
      answers.forget();
      this.paint(`${counted(count)} deleted.`);
      this.box.querySelector("summary").focus();
    }
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".dl-quiz").forEach((section) => new Carry(section)));
})();
