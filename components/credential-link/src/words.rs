//! Every sentence of the pages, in every language.

/// The words of one language.
#[derive(Debug)]
pub struct Words {
    /// Its code, for screen readers.
    pub language: &'static str,
    /// Title of the page with the button, and its heading.
    pub ready: &'static str,
    /// What the button does.
    pub ready_text: &'static str,
    /// The button.
    pub show: &'static str,
    /// Below the button.
    pub ready_note: &'static str,
    /// What there is to see.
    pub password: Secret,
    /// The same where it is a Temporary Access Pass.
    pub pass: Secret,
    /// That it is gone now.
    pub shown_once: &'static str,
    /// Heading of the steps.
    pub next: &'static str,
    /// Title and heading of the page for links that show nothing.
    pub gone: &'static str,
    /// Why, as far as anybody is told.
    pub gone_text: &'static str,
    /// For those who never saw it.
    pub gone_note: &'static str,
    /// Title and heading when something is broken here.
    pub fault: &'static str,
    /// What to do.
    pub fault_text: &'static str,
    /// Title and heading when the button was not pressed on our own page.
    pub refused: &'static str,
    /// What to do.
    pub refused_text: &'static str,
    /// Title and heading of an address that is no link.
    pub no_link: &'static str,
    /// What to do.
    pub no_link_text: &'static str,
    /// Before the name of whoever gives it.
    pub from: &'static str,
    /// Where a code is typed.
    pub code: Code,
}

/// The words of the page on which a code is typed.
#[derive(Debug)]
pub struct Code {
    /// Title of the page that asks for it, and its heading.
    pub ask: &'static str,
    /// What is asked.
    pub ask_text: &'static str,
    /// Label of the field.
    pub field: &'static str,
    /// The button.
    pub send: &'static str,
    /// Below the button.
    pub note: &'static str,
    /// What came was no code.
    pub no_code: &'static str,
    /// Title and heading once something came.
    pub taken: &'static str,
    /// How it goes on.
    pub taken_text: &'static str,
}

/// The words about one kind of secret.
#[derive(Debug)]
pub struct Secret {
    /// Title of the page that shows it, and its heading.
    pub shown: &'static str,
    /// Label of the field.
    pub field: &'static str,
    /// The steps.
    pub steps: [&'static str; 4],
}

/// English, also for whoever reads none of these.
pub const EN: Words = Words {
    language: "en",
    ready: "Your sign-in is ready",
    ready_text: "You can see it one time only. Have the sign-in page open, then press the button.",
    show: "Show it once",
    ready_note: "Nobody else needs this link. Do not forward it.",
    password: Secret {
        shown: "Your temporary password",
        field: "Temporary password",
        steps: [
            "Copy the password, or write it down for a moment.",
            "Sign in with it.",
            "Choose a new password of your own when you are asked to.",
            "Close this page.",
        ],
    },
    pass: Secret {
        shown: "Your Temporary Access Pass",
        field: "Temporary Access Pass",
        steps: [
            "Copy the pass, or write it down for a moment.",
            "Sign in with it where you would enter your password: it works once.",
            "Register your new phone as a sign-in method.",
            "Close this page, and press the button in the chat.",
        ],
    },
    shown_once: "It will not be shown again: this link has stopped working.",
    next: "What to do next",
    gone: "This link no longer works",
    gone_text: "A link shows what it holds one time, and only for a while. If you still cannot sign in, ask again where you asked before.",
    gone_note: "If you have not seen yourself what it showed, tell your IT support: somebody else may have opened the link.",
    fault: "This does not work right now",
    fault_text: "Go back and try again in a minute. If it still does not work, tell your IT support.",
    refused: "Please open the link itself",
    refused_text: "Nothing is shown before the button on the link's own page was pressed. Open the link from your message and press it there.",
    no_link: "There is nothing here",
    no_link_text: "Open the link from your message again; it may have been cut off.",
    from: "From",
    code: Code {
        ask: "Type the code from the SMS",
        ask_text: "It was sent to the mobile number that your company has on record for you.",
        field: "Code",
        send: "Send",
        note: "Nobody from IT support will ever ask you for this code, in a call or in a message.",
        no_code: "A code has 4 to 10 digits.",
        taken: "Thank you",
        taken_text: "Go back to the chat: it goes on there in a moment. You can close this page.",
    },
};

const DE: Words = Words {
    language: "de",
    ready: "Ihre Anmeldung liegt bereit",
    ready_text: "Sie können es nur ein einziges Mal sehen. Öffnen Sie zuerst die Anmeldeseite, und drücken Sie dann den Knopf.",
    show: "Einmal anzeigen",
    ready_note: "Niemand sonst braucht diesen Link. Leiten Sie ihn nicht weiter.",
    password: Secret {
        shown: "Ihr vorläufiges Passwort",
        field: "Vorläufiges Passwort",
        steps: [
            "Kopieren Sie das Passwort, oder schreiben Sie es kurz auf.",
            "Melden Sie sich damit an.",
            "Wählen Sie ein eigenes neues Passwort, wenn Sie danach gefragt werden.",
            "Schließen Sie diese Seite.",
        ],
    },
    pass: Secret {
        shown: "Ihr befristeter Zugriffspass",
        field: "Befristeter Zugriffspass",
        steps: [
            "Kopieren Sie den Pass, oder schreiben Sie ihn kurz auf.",
            "Melden Sie sich damit an, wo Sie sonst Ihr Passwort eingeben: Er gilt einmal.",
            "Registrieren Sie Ihr neues Telefon als Anmeldemethode.",
            "Schließen Sie diese Seite, und drücken Sie den Knopf im Chat.",
        ],
    },
    shown_once: "Es wird nicht noch einmal angezeigt: Dieser Link gilt nicht mehr.",
    next: "So geht es weiter",
    gone: "Dieser Link gilt nicht mehr",
    gone_text: "Ein Link zeigt nur einmal und nur für eine gewisse Zeit, was er enthält. Wenn Sie sich noch nicht anmelden können, fragen Sie dort noch einmal, wo Sie vorher gefragt haben.",
    gone_note: "Wenn Sie nicht selbst gesehen haben, was er zeigte, sagen Sie es Ihrer IT-Betreuung: Vielleicht hat jemand anderes den Link geöffnet.",
    fault: "Das geht gerade nicht",
    fault_text: "Gehen Sie zurück, und versuchen Sie es in einer Minute noch einmal. Wenn es dann noch nicht geht, sagen Sie es Ihrer IT-Betreuung.",
    refused: "Bitte öffnen Sie den Link selbst",
    refused_text: "Es wird nichts angezeigt, bevor der Knopf auf der Seite des Links gedrückt wurde. Öffnen Sie den Link aus Ihrer Nachricht, und drücken Sie ihn dort.",
    no_link: "Hier ist nichts",
    no_link_text: "Öffnen Sie den Link aus Ihrer Nachricht noch einmal; vielleicht wurde er abgeschnitten.",
    from: "Von",
    code: Code {
        ask: "Code aus der SMS eingeben",
        ask_text: "Er wurde an die Mobilnummer geschickt, die Ihre Firma für Sie hinterlegt hat.",
        field: "Code",
        send: "Senden",
        note: "Niemand von der IT-Betreuung wird Sie je nach diesem Code fragen, weder am Telefon noch in einer Nachricht.",
        no_code: "Ein Code hat 4 bis 10 Ziffern.",
        taken: "Danke",
        taken_text: "Gehen Sie zurück in den Chat: Dort geht es gleich weiter. Sie können diese Seite schließen.",
    },
};

const ES: Words = Words {
    language: "es",
    ready: "Su acceso está listo",
    ready_text: "Solo podrá verla una vez. Abra antes la página de inicio de sesión y pulse después el botón.",
    show: "Mostrarlo una vez",
    ready_note: "Nadie más necesita este enlace. No lo reenvíe.",
    password: Secret {
        shown: "Su contraseña temporal",
        field: "Contraseña temporal",
        steps: [
            "Copie la contraseña o apúntela un momento.",
            "Inicie sesión con ella.",
            "Elija una contraseña nueva y propia cuando se le pida.",
            "Cierre esta página.",
        ],
    },
    pass: Secret {
        shown: "Su pase de acceso temporal",
        field: "Pase de acceso temporal",
        steps: [
            "Copie el pase o apúntelo un momento.",
            "Inicie sesión con él donde escribiría su contraseña: funciona una vez.",
            "Registre su nuevo teléfono como método de inicio de sesión.",
            "Cierre esta página y pulse el botón en el chat.",
        ],
    },
    shown_once: "No se mostrará de nuevo: este enlace ya no funciona.",
    next: "Qué hacer ahora",
    gone: "Este enlace ya no funciona",
    gone_text: "Un enlace muestra lo que contiene una sola vez y solo durante un tiempo. Si todavía no puede iniciar sesión, pídalo de nuevo donde lo pidió antes.",
    gone_note: "Si no ha visto usted mismo lo que mostraba, avise a su soporte informático: quizá otra persona haya abierto el enlace.",
    fault: "Esto no funciona ahora mismo",
    fault_text: "Vuelva atrás e inténtelo de nuevo en un minuto. Si sigue sin funcionar, avise a su soporte informático.",
    refused: "Abra el propio enlace, por favor",
    refused_text: "No se muestra nada antes de pulsar el botón en la página del propio enlace. Abra el enlace de su mensaje y púlselo allí.",
    no_link: "Aquí no hay nada",
    no_link_text: "Abra de nuevo el enlace de su mensaje; puede que esté cortado.",
    from: "De",
    code: Code {
        ask: "Escriba el código del SMS",
        ask_text: "Se envió al número de móvil que su empresa tiene registrado para usted.",
        field: "Código",
        send: "Enviar",
        note: "Nadie del soporte informático le pedirá nunca este código, ni por teléfono ni en un mensaje.",
        no_code: "Un código tiene de 4 a 10 cifras.",
        taken: "Gracias",
        taken_text: "Vuelva al chat: allí continúa en un momento. Puede cerrar esta página.",
    },
};

const PT: Words = Words {
    language: "pt",
    ready: "O seu acesso está pronto",
    ready_text: "Só a poderá ver uma vez. Abra primeiro a página de início de sessão e carregue depois no botão.",
    show: "Mostrar uma vez",
    ready_note: "Mais ninguém precisa deste link. Não o reencaminhe.",
    password: Secret {
        shown: "A sua senha temporária",
        field: "Senha temporária",
        steps: [
            "Copie a senha ou anote-a por um momento.",
            "Inicie sessão com ela.",
            "Escolha uma nova senha sua quando lhe for pedido.",
            "Feche esta página.",
        ],
    },
    pass: Secret {
        shown: "O seu passe de acesso temporário",
        field: "Passe de acesso temporário",
        steps: [
            "Copie o passe ou anote-o por um momento.",
            "Inicie sessão com ele onde escreveria a sua senha: funciona uma vez.",
            "Registe o seu novo telefone como método de início de sessão.",
            "Feche esta página e carregue no botão no chat.",
        ],
    },
    shown_once: "Não será mostrada de novo: este link deixou de funcionar.",
    next: "O que fazer a seguir",
    gone: "Este link já não funciona",
    gone_text: "Um link mostra o que contém uma só vez e apenas durante algum tempo. Se ainda não conseguir iniciar sessão, peça de novo onde pediu antes.",
    gone_note: "Se não viu pessoalmente o que mostrava, avise o seu suporte informático: outra pessoa pode ter aberto o link.",
    fault: "Isto não funciona neste momento",
    fault_text: "Volte atrás e tente de novo dentro de um minuto. Se continuar a não funcionar, avise o seu suporte informático.",
    refused: "Abra o próprio link, por favor",
    refused_text: "Nada é mostrado antes de carregar no botão na página do próprio link. Abra o link da sua mensagem e carregue lá.",
    no_link: "Aqui não há nada",
    no_link_text: "Abra de novo o link da sua mensagem; pode ter sido cortado.",
    from: "De",
    code: Code {
        ask: "Escreva o código do SMS",
        ask_text: "Foi enviado para o número de telemóvel que a sua empresa tem registado para si.",
        field: "Código",
        send: "Enviar",
        note: "Ninguém do suporte informático lhe pedirá alguma vez este código, nem por telefone nem numa mensagem.",
        no_code: "Um código tem de 4 a 10 algarismos.",
        taken: "Obrigado",
        taken_text: "Volte ao chat: continua lá dentro de um momento. Pode fechar esta página.",
    },
};

/// Every language.
pub const ALL: [&Words; 4] = [&EN, &DE, &ES, &PT];

/// The words of the first of these languages that there is, as a browser lists them (`Accept-Language`).
#[must_use]
pub fn of(languages: &str) -> &'static Words {
    let known = |tag: &str| {
        let language = tag.trim().split(['-', '_', ';']).next().unwrap_or_default().to_ascii_lowercase();
        ALL.into_iter().find(|words| words.language == language)
    };
    languages.split(',').take(20).find_map(known).unwrap_or(&EN)
}

impl Words {
    /// Who gives the password, and for which ticket.
    #[must_use]
    pub fn origin(&self, msp: &str, ticket: &str) -> String {
        match (msp.is_empty(), ticket.is_empty()) {
            (true, true) => String::new(),
            (true, false) => format!("Ticket {ticket}"),
            (false, true) => format!("{} {msp}", self.from),
            (false, false) => format!("{} {msp}, ticket {ticket}", self.from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_that_there_is_counts() {
        for (languages, expect) in [
            ("de-DE,de;q=0.9,en;q=0.8", "de"),
            ("fr-FR, pt-BR;q=0.7", "pt"),
            ("ES", "es"),
            ("fr", "en"),
            ("", "en"),
            ("*", "en"),
            (&"x,".repeat(100_000), "en"),
        ] {
            assert_eq!(of(languages).language, expect, "{}", languages.len());
        }
    }
}
