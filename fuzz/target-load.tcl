# target-load.tcl --
#
#	Targets for what loads: the first byte of the input says how, the rest is
#	what is loaded.  What comes out of it is put to all its uses.

# Loads by a command prefix, in PEM or DER as the first byte says.
proc fuzz::load {what command args} {
    set type [pick {ASN1 PEM}]
    return [ours "$what $type" {{*}$command $type [rest] {*}$args}]
}

# useName name -- all that can be read of it; destroys it.
proc fuzz::useName {name} {
    if {$name eq ""} {
	return
    }
    ours "name components" {$name get_components}
    ours "name oneline" {$name oneline}
    ours "name hash" {$name hash}
    ours "name der" {$name der}
    ours "name CN" {$name commonName}
    set copy [ours "name dup" {$name dup}]
    if {$copy ne ""} {
	ours "name compare" {$name compare $copy}
	ours "name set" {$copy set O example}
	ours "name CN" {$copy CN ""}
	$copy destroy
    }
    $name destroy
}

proc fuzz::useExtension {extension} {
    if {$extension eq ""} {
	return
    }
    ours "ext text" {$extension text}
    ours "ext data" {$extension get_data}
    ours "ext name" {$extension get_short_name}
    ours "ext oid" {$extension oid}
    ours "ext critical" {$extension get_critical}
    set copy [ours "ext dup" {$extension dup}]
    if {$copy ne ""} {
	set cert [pyossl::x509 new]
	ours "ext add" {$cert add_extensions [list $copy $extension]}
	$cert destroy
	$copy destroy
    }
    $extension destroy
}

# A public key: no private part may come out of it.
proc fuzz::usePublic {key} {
    if {$key eq ""} {
	return
    }
    ours "public bits" {$key bits}
    ours "public type" {$key type}
    set copy [ours "public dup" {$key dup}]
    if {$copy ne ""} {
	$copy destroy
    }
    if {[ours "public dump" {pyossl::dump_privatekey PEM $key}] ne ""} {
	return -code error "a public key was dumped as a private one"
    }
    ours "public sign" {pyossl::sign $key data sha256}
    $key destroy
}

proc fuzz::useCertificate {cert} {
    foreach method {
	get_serial_number get_signature_algorithm get_version get_notBefore
	get_notAfter has_expired subject_name_hash
    } {
	ours "x509 $method" {$cert $method}
    }
    useName [ours "x509 get_subject" {$cert get_subject}]
    useName [ours "x509 get_issuer" {$cert get_issuer}]
    usePublic [ours "x509 get_pubkey" {$cert get_pubkey}]
    set count [ours "x509 count" {$cert get_extension_count}]
    for {set i 0} {$i < min($count, 20)} {incr i} {
	useExtension [ours "x509 get_extension" {$cert get_extension $i}]
    }
    foreach type {PEM ASN1 TEXT} {
	ours "x509 dump $type" {pyossl::dump_certificate $type $cert}
    }
    ours "x509 digest" {$cert digest sha256}
    ours "x509 verify" {pyossl::verify $cert signature data sha256}
    set store [pyossl::x509store new]
    ours "store add_cert" {$store add_cert $cert}
    $store destroy
    set ctx [pyossl::ctx new TLS_METHOD]
    ours "ctx use_certificate" {$ctx use_certificate $cert}
    ours "ctx add_extra_chain_cert" {$ctx add_extra_chain_cert $cert}
    ours "ctx add_client_ca" {$ctx add_client_ca $cert}
    $ctx destroy
    set copy [ours "x509 dup" {$cert dup}]
    if {$copy ne ""} {
	set key [key]
	ours "x509 set_serial" {$copy set_serial_number 77}
	ours "x509 set_notAfter" {$copy set_notAfter 20300101000000Z}
	ours "x509 set_pubkey" {$copy set_pubkey $key}
	ours "x509 sign" {$copy sign $key ""}
	$key destroy
	$copy destroy
    }
}

# What is written of a thing can be read again, and is written the same.
proc fuzz::again {what first load dump} {
    if {$first eq ""} {
	return
    }
    set object [ours "$what again" {{*}$load $first}]
    if {$object eq ""} {
	return -code error "$what: what was written cannot be read"
    }
    set second [{*}$dump $object]
    $object destroy
    if {$second ne $first} {
	return -code error "$what: written twice, and not the same"
    }
}

proc fuzz::certificate {bytes} {
    set cert [load x509 pyossl::load_certificate]
    if {$cert ne ""} {
	again x509 [ours "x509 dump" {pyossl::dump_certificate PEM $cert}] \
		{pyossl::load_certificate PEM} {pyossl::dump_certificate PEM}
	useCertificate $cert
    }
}

proc fuzz::request {bytes} {
    set request [load x509req pyossl::load_certificate_request]
    if {$request eq ""} {
	return
    }
    again x509req [ours "x509req dump" {pyossl::dump_certificate_request ASN1 $request}] \
	    {pyossl::load_certificate_request ASN1} {pyossl::dump_certificate_request ASN1}
    ours "x509req version" {$request get_version}
    foreach extension [ours "x509req extensions" {$request get_extensions}] {
	useExtension $extension
    }
    foreach type {PEM TEXT} {
	ours "x509req dump $type" {pyossl::dump_certificate_request $type $request}
    }
    useName [ours "x509req get_subject" {$request get_subject}]
    set key [ours "x509req get_pubkey" {$request get_pubkey}]
    if {$key ne ""} {
	ours "x509req verify" {$request verify $key}
	usePublic $key
    }
    set key [key]
    ours "x509req verify" {$request verify $key}
    set copy [ours "x509req dup" {$request dup}]
    if {$copy ne ""} {
	set extension [pyossl::x509ext new keyUsage 1 digitalSignature]
	ours "x509req add" {$copy add_extensions [list $extension]}
	ours "x509req set_pubkey" {$copy set_pubkey $key}
	ours "x509req sign" {$copy sign $key ""}
    }
}

proc fuzz::key_passphrase {args} {
    return secret
}

proc fuzz::key_none {args} {
    return -code error -errorcode {FUZZ CALLBACK} "there is none"
}

# named loadkey, since [fuzz::key] is the one that signs
proc fuzz::loadkey {bytes} {
    set pass [pick {{} secret {-callback ::fuzz::key_passphrase}
	{-callback ::fuzz::key_none} wrong}]
    set key [load pkey pyossl::load_privatekey {*}$pass]
    if {$key eq ""} {
	return
    }
    set bits [ours "pkey bits" {$key bits}]
    ours "pkey type" {$key type}
    foreach type {PEM ASN1 TEXT} {
	ours "pkey dump $type" {pyossl::dump_privatekey $type $key}
    }
    ours "pkey dump locked" {pyossl::dump_privatekey PEM $key aes128 secret}
    set copy [ours "pkey dup" {$key dup}]
    # OpenSSL takes its time for large numbers, whoever asks.
    if {$bits <= 1024} {
	ours "pkey check" {$key check}
	foreach digest {sha256 ""} {
	    ours "pkey sign $digest" {pyossl::sign $key data $digest}
	}
	set cert [pyossl::x509 new]
	ours "pkey set_pubkey" {$cert set_pubkey $key}
	ours "pkey sign cert" {$cert sign $key sha256}
	set ctx [pyossl::ctx new TLS_METHOD]
	ours "ctx use_certificate" {$ctx use_certificate $cert}
	ours "ctx use_privatekey" {$ctx use_privatekey $key}
	ours "ctx check_privatekey" {$ctx check_privatekey}
    }
}

proc fuzz::useRevoked {revoked} {
    if {$revoked eq ""} {
	return
    }
    ours "revoked serial" {$revoked get_serial}
    ours "revoked date" {$revoked get_rev_date}
    ours "revoked reason" {$revoked get_reason}
    set copy [ours "revoked dup" {$revoked dup}]
    if {$copy ne ""} {
	ours "revoked set_reason" {$copy set_reason keyCompromise}
	ours "revoked set_reason" {$copy set_reason ""}
	$copy destroy
    }
}

proc fuzz::crl {bytes} {
    set crl [load crl pyossl::load_crl]
    if {$crl eq ""} {
	return
    }
    set entries [ours "crl get_revoked" {$crl get_revoked}]
    foreach revoked [lrange $entries 0 19] {
	useRevoked $revoked
    }
    foreach method {get_lastUpdate get_nextUpdate get_number} {
	ours "crl $method" {$crl $method}
    }
    useName [ours "crl get_issuer" {$crl get_issuer}]
    set key [key]
    set cert [selfsigned $key]
    ours "crl verify" {$crl verify $key}
    set store [pyossl::x509store new]
    ours "store add_crl" {$store add_crl $crl}
    set copy [ours "crl dup" {$crl dup}]
    if {$copy ne ""} {
	foreach revoked [lrange $entries 0 3] {
	    ours "crl add_revoked" {$copy add_revoked $revoked}
	}
	foreach type {PEM ASN1 TEXT} {
	    ours "crl export $type" {$copy export $cert $key $type 10 ""}
	}
    }
}

proc fuzz::pkcs7 {bytes} {
    set pkcs7 [load pkcs7 pyossl::load_pkcs7_data]
    if {$pkcs7 eq ""} {
	return
    }
    foreach method {
	get_type_name type_is_data type_is_enveloped type_is_signed
	type_is_signedAndEnveloped
    } {
	ours "pkcs7 $method" {$pkcs7 $method}
    }
    ours "pkcs7 dup" {$pkcs7 dup}
}

proc fuzz::pkcs12 {bytes} {
    set pass [pick {{} secret wrong}]
    set pkcs12 [ours "pkcs12" {pyossl::load_pkcs12 [rest] {*}$pass}]
    if {$pkcs12 eq ""} {
	return
    }
    set cert [ours "pkcs12 cert" {$pkcs12 get_certificate}]
    if {$cert ne ""} {
	ours "pkcs12 cert dump" {pyossl::dump_certificate PEM $cert}
    }
    foreach ca [ours "pkcs12 ca" {$pkcs12 get_ca_certificates}] {
	ours "pkcs12 ca dump" {pyossl::dump_certificate ASN1 $ca}
    }
    set key [ours "pkcs12 key" {$pkcs12 get_privatekey}]
    if {$key ne ""} {
	ours "pkcs12 key bits" {$key bits}
	ours "pkcs12 key dump" {pyossl::dump_privatekey PEM $key}
    }
    set name [ours "pkcs12 name" {$pkcs12 get_friendlyname}]
    ours "pkcs12 set name" {$pkcs12 set_friendlyname $name}
    set file [ours "pkcs12 export" {$pkcs12 export secret 1 1}]
    if {$file ne ""} {
	set again [ours "pkcs12 again" {pyossl::load_pkcs12 $file secret}]
	if {$again ne "" && [$again get_friendlyname] ne $name && $key ne ""} {
	    return -code error "pkcs12: \"$name\" is now \"[$again get_friendlyname]\""
	}
    }
    ours "pkcs12 dup" {$pkcs12 dup}
}

proc fuzz::spki {bytes} {
    # The input is what base64 stands for, or the text itself.
    set text [expr {[byte] & 1 ? [rest] : [binary encode base64 [rest]]}]
    set spki [ours "spki" {pyossl::spki new $text}]
    if {$spki eq ""} {
	return
    }
    ours "spki encode" {$spki b64_encode}
    ours "spki challenge" {$spki get_challenge}
    set public [ours "spki get_pubkey" {$spki get_pubkey}]
    if {$public ne ""} {
	ours "spki verify" {$spki verify $public}
	usePublic $public
    }
    set copy [ours "spki dup" {$spki dup}]
    if {$copy ne ""} {
	set key [key]
	ours "spki set_challenge" {$copy set_challenge other}
	ours "spki set_pubkey" {$copy set_pubkey $key}
	ours "spki sign" {$copy sign $key ""}
	ours "spki encode" {$copy b64_encode}
    }
}

proc fuzz::session {bytes} {
    set ctx [pyossl::ctx new TLS_CLIENT_METHOD]
    set conn [pyossl::conn new $ctx]
    if {[byte] & 1} {
	ours "session host" {$conn set_tlsext_host_name localhost}
    }
    ours "set_session" {$conn set_session [rest]}
    ours "get_session" {$conn get_session}
    $conn set_connect_state
    ours "session hello" {$conn do_handshake}
    ours "session bytes" {$conn bio_read 65536}
    ours "get_session" {$conn get_session}
    ours "session status" {$conn status}
}
