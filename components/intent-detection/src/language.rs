//! Which language a text is in, by its small words.

use crate::{
    lexicon::Lexicon,
    text::{Kind, Text},
};

/// Words of each language that English does not have, folded; names of people are no evidence.
const WORDS: &[(&str, &str)] = &[
    (
        "de",
        "abgelaufen aktivierung aktivieren aktualisieren aufnehmen beantragen benotigt benotige benutzerkonto bestellen deaktivieren einrichten \
         eintrag empfangen erhalten fehlgeschlagen fehlt freigeben freischalten gruppe hinzufugen installieren kaputt kollege kollegen langsam \
         laufwerk lizenz mehreren mich moglich nach neu neuen netzlaufwerk ordner rechnung senden starten startet tastatur verbindung verloren \
         versuchen verteiler weiterleitung zweiter zuweisen \
         ich mein meine meinen meinem passwort kennwort konto gesperrt entsperren zurucksetzen bitte vergessen und ist nicht habe haben der das dem den kann \
         konnen anmelden benutzer zugang zugriff wurde neues neuer neue brauche funktioniert geht kein keine mehr fur auf mit wir sie drucker fehler \
         mitarbeiter rechner bildschirm handy loschen anlegen einrichten berechtigung freigabe postfach hallo guten morgen danke wird sich beim immer wieder \
         wiedereinrichtung anmeldung",
    ),
    (
        "es",
        "abre activacion activar actualizar agregar archivo buzon cambiar cambio caducada caducado computadora conectar configurar correos crear \
         desactivar desbloqueo distribucion eliminar enviar extrano funciona instalacion licencia movil nombre oficina otro permiso permisos que \
         recibi recuperar redirigir reiniciar reseteo restaurar servidor sin solicitud sospechoso teclado unidad vencida autenticador verificar \
         mi mis contrasena clave cuenta bloqueada bloqueado desbloquear usuario olvide olvidado por favor necesito restablecer resetear hola puedo el \
         los las \
         una esta acceso ayuda problema con para no tengo carpeta correo impresora telefono nuevo nueva del solicito gracias buenos buenas dias tardes \
         desconexion equipo pantalla roto dar alta baja empleado configuracion",
    ),
    (
        "pt",
        "acessar acessos adicionar aparelho arquivo assinatura ativacao ativar autenticacao autenticador caixa compartilhada conectar criacao criar \
         desligado excluir expirou expirada fatores funciona funcionario gravacao incluir licenca permissao quebrado recebi recuperar remover \
         solicitacao suspeito troca conecta erro \
         minha meu senha conta esqueci desbloqueio preciso redefinir resetar nao uma acesso ola bom dia obrigado obrigada favor boa tarde trocar solicito \
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
const SHARED: &[&str] = &[
    "account", "an", "bad", "ben", "bloque", "con", "dar", "das", "del", "dem", "den", "der", "des", "dia", "die", "do", "dos", "el", "em", "es", "est",
    "favor", "hallo", "handy", "hej", "las", "les", "los", "me", "mi", "mit", "mon", "na", "no", "non", "note", "nova", "para", "password", "per", "pour",
    "printer", "problema", "que", "rede", "sie", "sin", "sistema", "so", "tack", "utente", "van", "war",
];

/// What the agent's own sentences tell users to write if they want a person, folded.
const PERSON: &[(&str, &str)] = &[("de", "mit einem menschen sprechen"), ("es", "hablar con una persona"), ("pt", "falar com uma pessoa")];

/// The language in which the text asks for a person by those very words.
#[must_use]
pub fn person(text: &Text) -> Option<&'static str> {
    let holds = |phrase: &str| {
        let words: Vec<&str> = phrase.split(' ').collect();
        (0..text.tokens.len()).any(|at| words.iter().enumerate().all(|(i, word)| text.word(at + i) == *word))
    };
    PERSON.iter().find(|(_, phrase)| holds(phrase)).map(|(language, _)| *language)
}

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
            ("Softtoken Aktivierung", Some("de")),
            ("Token no funciona", Some("es")),
            ("Ativação do token", Some("pt")),
            ("I forgot my password", None),
            ("please reset my password for me", None),
            ("no access to the printer", None),
            ("as per our call on Mon", None),
            ("do me a favor", None),
            ("Del key broken in the Los Angeles office", None),
            ("", None),
        ] {
            assert_eq!(foreign(&Text::read(text), &Lexicon::new()), expected, "{text}");
        }
    }
}
