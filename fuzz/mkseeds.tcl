# mkseeds.tcl --
#
#	Makes the inputs from which fuzzing begins: what the tests have to load
#	(tests/certs.tcl, and more of the openssl program), what the extension
#	writes itself, messages of real handshakes, and lists of steps.
#
#	tclsh fuzz/mkseeds.tcl DIR	writes DIR/TARGET/NAME
#
#	None of them is committed: certificates expire.  Those of the corpus were
#	found by libFuzzer, and nobody looks at their dates.

package require Tcl 8.6-

namespace eval seeds {
    variable here [file dirname [file normalize [info script]]]
    variable dir
}
if {[info exists env(PYOSSL_BUILD)]} {
    set auto_path [linsert $auto_path 0 $env(PYOSSL_BUILD)]
}
source [file join $seeds::here fuzz.tcl]
if {[namespace which ::certs::make] eq ""} {
    source [file join $seeds::here .. tests certs.tcl]
}

proc seeds::write {target name bytes} {
    variable dir
    set channel [open [file join [file mkdir [file join $dir $target]] \
	    $dir $target $name] wb]
    puts -nonewline $channel $bytes
    close $channel
}

proc seeds::contents {args} {
    set channel [open [file join {*}$args] rb]
    set bytes [read $channel]
    close $channel
    return $bytes
}

# The bytes of the first block of PEM.
proc seeds::unpem {text} {
    regexp -- {-----BEGIN [^\n]*-----\n(.*?)-----END} $text - body
    return [binary decode base64 $body]
}

# Both forms of a file in PEM.
proc seeds::both {target name path {lead ""}} {
    set text [contents $path]
    write $target $name-der \0$lead[unpem $text]
    write $target $name-pem \1$lead$text
}

# Runs openssl in the folder of the certificates; what it writes to -out.
proc seeds::openssl {certs command args} {
    set out [file join $certs out]
    file delete $out
    exec -ignorestderr openssl $command -out $out {*}[string map [list @ $certs/] $args] \
	    2>[file join $certs log]
    return [contents $out]
}

# seeds::make dir certs -- all of them, with the certificates that are there.
proc seeds::make {to certs} {
    variable dir [file normalize $to]
    fuzz::start
    foreach name {server server-ec server-ed25519 server-dsa client ca wild} {
	both certificate $name [file join $certs $name.pem]
	both key $name [file join $certs $name.key] \0
    }
    both crl crl [file join $certs crl.pem]
    files $certs
    values
    handshakes
    steps
    messages
}

# What openssl makes of the certificates.
proc seeds::files {certs} {
    foreach {name words} {
	enc {pkey -in @server-ec.key -aes128 -passout pass:secret}
	old {ec -in @server-ec.key -aes128 -passout pass:secret}
	ec {ec -in @server-ec.key}
	scrypt {pkcs8 -topk8 -in @server-ec.key -scrypt -scrypt_N 16 -scrypt_r 1
	    -scrypt_p 1 -passout pass:secret}
	rsa {rsa -in @server.key -traditional}
    } {
	set text [openssl $certs {*}$words]
	write key $name-pem \1\1$text
	write key $name-der \0\1[unpem $text]
    }
    foreach {name words} {
	simple {-subj /CN=simple}
	full {-subj /C=XX/O=full/CN=full -addext subjectAltName=DNS:a.example
	    -addext keyUsage=digitalSignature}
    } {
	set text [openssl $certs req -new -key @server-ec.key \
		-sha256 {*}$words]
	write request $name-der \0[unpem $text]
	write request $name-pem \1$text
    }
    foreach {name words} {
	both {-inkey @server-ec.key -in @server-ec.pem -certfile @ca.pem -name friend}
	nomac {-inkey @server-ec.key -in @server-ec.pem -nomac -keypbe NONE -certpbe NONE
	    -certfile @ca.pem -caname root -name n}
	locked {-inkey @server-ec.key -in @server-ec.pem -nomac -iter 1}
	certs {-nokeys -in @server-ec.pem -iter 1 -maciter}
    } {
	set bytes [openssl $certs pkcs12 -export -passout pass:secret {*}$words]
	write pkcs12 $name \1$bytes
    }
    write pkcs7 certs-der \0[openssl $certs crl2pkcs7 -certfile @server-ec.pem \
	    -in @crl.pem -outform DER]
    set text [openssl $certs crl2pkcs7 -nocrl -certfile @client-ec.pem]
    write pkcs7 certs-pem \1$text
    foreach {name words} {
	signed {-sign -signer @server-ec.pem -inkey @server-ec.key -nodetach}
	enveloped {-encrypt -aes128}
    } {
	if {$name eq "enveloped"} {
	    lappend words [file join $certs server.pem]
	}
	write pkcs7 $name \0[openssl $certs smime -outform DER -in @openssl.cnf {*}$words]
    }
}

# Values, and what the extension itself writes.
proc seeds::values {} {
    set key [fuzz::key]
    foreach challenge {"" hello} {
	set spki [pyossl::spki new]
	$spki set_challenge $challenge
	$spki set_pubkey $key
	$spki sign $key ""
	write spki "der$challenge" \0[binary decode base64 [$spki b64_encode]]
	write spki "text$challenge" \1[$spki b64_encode]
	$spki destroy
    }
    set cert [fuzz::selfsigned $key]
    set der [pyossl::dump_certificate ASN1 $cert]
    write certificate small \0$der
    $cert destroy
    set p12 [pyossl::pkcs12 new]
    $p12 set_privatekey $key
    set bytes [$p12 export "" 1 -1]
    write pkcs12 small \0$bytes
    $p12 destroy
    write key small \0\0[pyossl::dump_privatekey ASN1 $key]
    foreach {type size} {RSA 512 EC P-256 X25519 ""} {
	$key generate_key $type {*}$size
	write key small-$type \0\0[pyossl::dump_privatekey ASN1 $key]
    }
    $key destroy
    # By the place of the type in the list of the target.
    set i 0
    foreach {type value} {
	0 CA:TRUE,pathlen:3 1 digitalSignature,keyCertSign 2 serverAuth,1.2.3.4
	3 DNS:a.example,IP:127.0.0.1,email:x@y,URI:http://a/,RID:1.2.3,otherName:1.2.3;UTF8:x
	4 issuer:copy 5 hash 6 keyid:always,issuer:always
	7 permitted;IP:192.168.0.0/255.255.0.0,excluded;DNS:x 8 1.2.3.4,5.6.7
	9 requireExplicitPolicy:3,inhibitPolicyMapping:0 10 1.2.3:1.2.4 11 3
	12 URI:http://a/b 13 CA:TRUE 14 OCSP;URI:http://a 16 text 17 client,server
	18 status_request 20 language:id-ppl-anyLanguage,pathlen:1,policy:text:x
	21 IPv4:10.0.0.0/8,IPv6:inherit 22 AS:1-5,RDI:inherit 23 0x10 24 keyCompromise
	25 20300101000000Z 26 ASN1:UTF8:x 26 DER:0500
    } {
	write extension [incr i] [binary format ccA* $type 12 $value]
	write extension [incr i]-bytes [binary format cc $type 2]0\x03\x01\x01\xff
    }
    write name set [binary format ccca*cccc 0 5 7 example 20 24 28 29]
    write name utf8 [binary format ccca*cccc 0x81 4 4 [encoding convertto utf-8 é€] 20 24 28 29]
    foreach {kind value} {
	0 20300101000000Z 1 20500101000000+0230 2 19700101000000Z 3 -86400
	4 20300101000000Z 12 300101000000Z 4 20300101000000.5Z 13 300101000000+0100
	20 x
    } {
	write time $kind-[string length $value] [binary format ca* $kind $value]
    }
}

# Setups, with and without a change of each kind.
proc seeds::handshakes {} {
    foreach target {server client} {
	foreach setup {0 1 2 3 5 29 113 253} {
	    foreach more {0 7 11} {
		write $target setup-$setup-$more [binary format cc $setup $more]
	    }
	}
	for {set kind 0} {$kind < 16} {incr kind} {
	    for {set flight 0} {$flight < 3} {incr flight} {
		write $target change-$kind-$flight [binary format cccccSa* \
			[expr {$kind & 1}] 3 $flight $kind 0 [expr {40 + $kind}] \
			[string repeat \x16\x03\x03\x00\x04 4]]
	    }
	}
    }
    # Sessions as they come.
    foreach version {TLSv1.2 TLSv1.3} {
	set ctx [fuzz::context]
	$ctx set_max_proto_version $version
	set conns {}
	foreach state {set_connect_state set_accept_state} {
	    lappend conns [set conn [pyossl::conn new $ctx]]
	    $conn $state
	}
	lassign $conns client server
	for {set i 0} {$i < 6} {incr i} {
	    fuzz::carry $client $server
	    fuzz::carry $server $client
	}
	catch {$client recv 10}
	write session $version \1[$client get_session]
	foreach object [list $client $server $ctx] {
	    $object destroy
	}
    }
}

# Steps: numbers in a row reach each command, and some arguments.
proc seeds::steps {} {
    for {set i 0} {$i < 40} {incr i} {
	set steps ""
	for {set j 0} {$j < 30} {incr j} {
	    append steps [binary format c [expr {($i * 7 + $j * 11) & 255}]]
	}
	write methods $i $steps
	write channel $i [binary format cc [expr {$i & 3}] [expr {2 + ($i >> 2 & 1)}]]$steps
	write channel one-$i [binary format cccccccc [expr {$i & 3}] 2 $i 10 $i 6 $i 10]
    }
}

# Messages that the codec makes when it is told nothing.
proc seeds::messages {} {
    foreach name [pyossl::expect::message::names] {
	if {![catch {pyossl::expect::encode $name} bytes]} {
	    write codec $name \0$bytes
	    write codec $name-12 [binary format cc 1 1]$bytes
	    write codec $name-record [binary format cca*Sa* 32 0x16 \3\3 \
		    [string length $bytes] $bytes]
	    write fields $name [binary format c [lsearch -exact \
		    [lsort [pyossl::expect::message::names]] $name]]abcdefgh
	}
    }
}

if {[info exists argv0] && [file normalize $argv0] eq [file normalize [info script]]} {
    if {[llength $argv] != 1} {
	puts stderr "usage: tclsh mkseeds.tcl DIR"
	exit 2
    }
    set seeds::certs [file join [lindex $argv 0] certs]
    if {[info exists env(PYOSSL_CERTS)]} {
	set seeds::certs $env(PYOSSL_CERTS)
    } else {
	certs::make $seeds::certs
    }
    seeds::make [lindex $argv 0] $seeds::certs
    if {![info exists env(PYOSSL_CERTS)]} {
	file delete -force $seeds::certs
    }
}
