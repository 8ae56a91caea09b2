//! Which language a text is in, by its small words.

use crate::{
    lexicon::Lexicon,
    text::{Kind, Text},
};

/// Words of each language that English does not have, folded; names of people are no evidence.
const WORDS: &[(&str, &str)] = &[
    (
        "de",
        "ich mein meine meinen meinem passwort kennwort konto gesperrt entsperren zurucksetzen bitte vergessen und ist nicht habe haben der das dem den kann \
         konnen anmelden benutzer zugang zugriff wurde neues neuer neue brauche funktioniert geht kein keine mehr fur auf mit wir sie drucker fehler \
         mitarbeiter rechner bildschirm handy loschen anlegen einrichten berechtigung freigabe postfach hallo guten morgen danke wird sich beim immer wieder \
         wiedereinrichtung anmeldung",
    ),
    (
        "es",
        "mi mis contrasena clave cuenta bloqueada bloqueado desbloquear usuario olvide olvidado por favor necesito restablecer resetear hola puedo el los las \
         una esta acceso ayuda problema con para no tengo carpeta correo impresora telefono nuevo nueva del solicito gracias buenos buenas dias tardes \
         desconexion equipo pantalla roto dar alta baja empleado configuracion",
    ),
    (
        "pt",
        "minha meu senha conta esqueci desbloqueio preciso redefinir resetar nao uma acesso ola bom dia obrigado obrigada favor boa tarde trocar solicito \
         gentileza efetuar usuario pasta para instalacao instalar computador impressora falha conexao rede atualizacao liberar cancelamento cadastrar \
         problema com colaborador celular meus sistema ao da do das dos em na sem estou consigo nova novo configuracao bloqueio atenciosamente sozinho \
         travando lento muito",
    ),
    (
        "fr",
        "mot passe oublie mon compte bloque verrouille reinitialiser bonjour merci jai je ne pas une les des est pour avec nouveau acces imprimante veuillez \
         vous",
    ),
    ("it", "ho dimenticato mio bloccato ciao della password utente non posso per favore buongiorno grazie accesso stampante"),
    ("nl", "wachtwoord vergeten mijn geblokkeerd ik ben niet een het kan graag hallo account printer werkt toegang"),
    ("pl", "haslo moje zapomnialem nie prosze dzien dobry konta"),
    ("sv", "losenord glomt mitt jag inte tack hej"),
];

/// Words that other languages share with English tickets; they never count.
const SHARED: &[&str] =
    &["password", "account", "printer", "no", "problema", "hallo", "sie", "das", "an", "me", "die", "des", "ben", "do", "para", "sistema", "das", "dos"];

/// A language other than English, if the text is in one: one word is enough in a short text, a tenth in a long one.
/// `other` stands for letters of another script.
#[must_use]
pub fn foreign(text: &Text, lexicon: &Lexicon) -> Option<&'static str> {
    if text.strange * 4 > text.letters {
        return Some("other");
    }
    let words: Vec<&str> = text.tokens.iter().filter(|token| token.kind == Kind::Word).map(|token| token.word.as_str()).collect();
    let count = |known: &str| {
        let known: Vec<&str> = known.split_ascii_whitespace().collect();
        words.iter().filter(|word| known.contains(word) && !SHARED.contains(word) && !lexicon.name(word)).count()
    };
    let (language, most) = WORDS.iter().map(|(language, known)| (*language, count(known))).rev().max_by_key(|(_, count)| *count)?;
    (most > 0 && most * 10 >= words.len()).then_some(language)
}

#[cfg(test)]
mod tests {
    use super::foreign;
    use crate::{lexicon::Lexicon, text::Text};

    #[test]
    fn languages_are_told_apart() {
        for (text, expected) in [
            ("ich habe mein Passwort vergessen, bitte zurücksetzen", Some("de")),
            ("olvidé mi contraseña, por favor", Some("es")),
            ("cuenta bloqueada", Some("es")),
            ("esqueci minha senha", Some("pt")),
            ("Bom dia, preciso redefinir a senha do meu usuário", Some("pt")),
            ("j'ai oublié mon mot de passe", Some("fr")),
            ("Я забыл пароль", Some("other")),
            ("I forgot my password", None),
            ("please reset my password for me", None),
            ("no access to the printer", None),
            ("", None),
        ] {
            assert_eq!(foreign(&Text::read(text), &Lexicon::new()), expected, "{text}");
        }
    }
}
